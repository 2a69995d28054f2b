import { fileURLToPath } from 'node:url'
import type { Host, LabProcess } from '@reversed-vpn/test/lab'

/** What has become of a flow. */
export interface FlowReport {
  /** Every byte came back, in order, over the one connection. */
  readonly isIntact: boolean
  readonly saidBytes: number
  readonly heardBytes: number
  readonly error?: string | undefined
}

interface FlowOptions {
  readonly from: Host
  /** Where {@link startFlowServer} has been called. */
  readonly address: string
  /** @default 2,000,000 */
  readonly bytesPerSecond?: number
  /** How long what was said may take to come back. @default 60000 */
  readonly deadlineMs?: number
}

const PROGRAM = fileURLToPath(new URL('./flow-program.js', import.meta.url))
const PORT = 7007

/** Sends back what flows say. Resolves when it takes connections. */
export async function startFlowServer(host: Host): Promise<LabProcess> {
  const server = await host.spawn(process.execPath, [PROGRAM, 'server', String(PORT)])
  await server.waitForLine(/^listening$/)
  return server
}

/** A TCP connection through the tunnel that is never silent, and is watched while things happen to the tunnel below it. */
export class Flow {
  readonly #program: LabProcess
  readonly #deadlineMs: number

  static async start({
    from,
    address,
    bytesPerSecond = 2_000_000,
    deadlineMs = 60_000,
  }: FlowOptions): Promise<Flow> {
    const args = ['client', address, String(PORT), String(bytesPerSecond)]
    const program = await from.spawn(process.execPath, [PROGRAM, ...args])
    await program.waitForLine(/^connected$/)
    const flow = new Flow(program, deadlineMs)
    await (await flow.mark()).untilFlowing
    return flow
  }

  private constructor(program: LabProcess, deadlineMs: number) {
    this.#program = program
    this.#deadlineMs = deadlineMs
  }

  /** Begins to wait for what is said from now on. */
  async mark(): Promise<{ readonly untilFlowing: Promise<number> }> {
    const fromLine = this.#program.output.length
    this.#program.kill('SIGUSR2')
    await this.#program.waitForLine(/^marked$/, { fromLine })
    const flowing = this.#program.waitForLine(/^flowing (\d+)$/, { fromLine, deadlineMs: this.#deadlineMs })
    // Whoever asks later gets the same answer; a rejection before that is not lost.
    flowing.catch(() => {})
    return { untilFlowing: flowing.then(([, ms]) => Number(ms)) }
  }

  /** Says no more, and waits until all has come back. */
  async finish(): Promise<FlowReport> {
    this.#program.kill('SIGTERM')
    const [, report = ''] = await this.#program.waitForLine(/^report (.*)$/, { deadlineMs: this.#deadlineMs })
    return JSON.parse(report)
  }
}
