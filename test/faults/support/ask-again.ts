import type { TunnelLab } from '../../e2e/support/tunnel-lab.js'

interface Asking {
  /** Asks no more. How many answers came, and what became of the other questions. */
  stop(): Promise<{ readonly answered: number; readonly failures: readonly string[] }>
}

/** Asks pod1's web server for its page, one CONNECT of curl's after the other, until it is stopped. */
export function askAgainAndAgain(stage: TunnelLab): Asking {
  let isOver = false
  let answered = 0
  const failures: string[] = []
  const asking = (async () => {
    while (!isOver) {
      const url = `http://${stage.hosts.pod1.addresses.ipv4}/`
      const { code, stdout, stderr } = await stage.curlEgress(url, ['-m', '30'])
      if (code === 0 && stdout === 'pod1\n') answered++
      else failures.push(`${code} ${stderr}`)
    }
  })()
  return {
    async stop() {
      isOver = true
      await asking
      return { answered, failures }
    },
  }
}
