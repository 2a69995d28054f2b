import type { Host, LabProcess } from '@reversed-vpn/test/lab'

/** Sends an ICMP echo request every 50 ms until it is ended: the packets of a session that nothing may disturb. */
export class EndlessPing {
  readonly #process: LabProcess

  private constructor(process: LabProcess) {
    this.#process = process
  }

  /** Settles when a few have been answered. */
  static async start(host: Host, address: string): Promise<EndlessPing> {
    const process = await host.spawn('ping', ['-i', '0.05', '-W', '10', address])
    await process.waitForLine(/icmp_seq=3 /)
    return new EndlessPing(process)
  }

  /** Up to the last answer: what was sent after it may have been under way. */
  async end(): Promise<{ readonly answered: number; readonly lost: number }> {
    this.#process.kill('SIGINT')
    await this.#process.exited
    const numbers = this.#process.stdout
      .flatMap((line) => /icmp_seq=(\d+) /.exec(line)?.[1] ?? [])
      .map(Number)
    const answered = new Set(numbers).size
    return { answered, lost: Math.max(...numbers) - answered }
  }
}
