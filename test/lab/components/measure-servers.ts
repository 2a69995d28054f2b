import type { Host } from '../hosts/host.js'
import type { LabProcess } from '../hosts/lab-process.js'

/** A server that a benchmark talks to. It can be started over, which frees one that a client left hanging. */
export class MeasureServer implements AsyncDisposable {
  readonly port: number
  readonly #start: () => Promise<LabProcess>
  #process: LabProcess

  static async create(port: number, start: () => Promise<LabProcess>): Promise<MeasureServer> {
    return new MeasureServer(port, start, await start())
  }

  private constructor(port: number, start: () => Promise<LabProcess>, process: LabProcess) {
    this.port = port
    this.#start = start
    this.#process = process
  }

  get process(): LabProcess {
    return this.#process
  }

  async restart(): Promise<void> {
    await this.#process.stop('SIGKILL')
    this.#process = await this.#start()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop('SIGKILL')
  }
}

/** iperf3 takes both families on one socket. One test at a time. */
export function startIperf3(host: Host, port = 5201): Promise<MeasureServer> {
  return MeasureServer.create(port, async () => {
    const server = await host.spawn('iperf3', ['--server', '--port', String(port), '--forceflush'])
    await host.waitForPort(server, port, { families: [6] })
    return server
  })
}

/** sockperf answers on UDP. Debian's 3.7 knows IPv4 alone. */
export function startSockperf(host: Host, port = 11111): Promise<MeasureServer> {
  return MeasureServer.create(port, async () => {
    const server = await host.spawn('sockperf', ['server', '-i', host.addresses.ipv4, '-p', String(port)])
    await host.waitForPort(server, port, { protocol: 'udp' })
    return server
  })
}
