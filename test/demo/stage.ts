import {
  type ConnectGateway,
  type Daemon,
  Lab,
  type MeasureServer,
  type Nginx,
  Pki,
  ROUTED_CALLER,
  type ShootCertificates,
  startConnectGateway,
  startIperf3,
  startNginx,
  startSeedServer,
  startShootClient,
} from '@reversed-vpn/test/lab'

const GATEWAY_HEADER = 'Reversed-VPN: outbound|1194||vpn-seed-server.shoot--lab.svc.cluster.local'

/** Everything that plays a part: a lab, and in it whatever was started so far. It all goes with the lab. */
export class Stage implements AsyncDisposable {
  readonly lab: Lab
  readonly certificates: ShootCertificates
  #gateway: ConnectGateway | undefined
  #seedServer: Daemon | undefined
  #shootClient: Daemon | undefined

  static async create(): Promise<Stage> {
    const lab = await Lab.create()
    try {
      const pki = await Pki.create(lab.dir)
      return new Stage(lab, await pki.shoot())
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  private constructor(lab: Lab, certificates: ShootCertificates) {
    this.lab = lab
    this.certificates = certificates
  }

  /** Web servers in both pods and on the second node, something to measure against, and the gateway. */
  async startNeighbours(): Promise<void> {
    const { pod1, pod2, node2 } = this.lab.hosts
    const servers: Promise<Nginx | MeasureServer>[] = [
      ...[pod1, pod2, node2].map((host) => startNginx(this.lab, host)),
      startIperf3(pod1),
    ]
    await Promise.all([...servers, this.startGateway()])
  }

  async startGateway(): Promise<void> {
    this.#gateway = await startConnectGateway(this.lab)
  }

  async startSeedServer(): Promise<Daemon> {
    this.#seedServer = await startSeedServer(this.lab, {
      certificates: this.certificates,
      args: ROUTED_CALLER,
    })
    return this.#seedServer
  }

  async startShootClient(): Promise<Daemon> {
    this.#shootClient = await startShootClient(this.lab, {
      certificates: this.certificates,
      gateway: this.gateway,
      args: ['--header', GATEWAY_HEADER],
    })
    return this.#shootClient
  }

  get gateway(): ConnectGateway {
    return started(this.#gateway, 'gateway')
  }

  get seedServer(): Daemon {
    return started(this.#seedServer, 'seed-server')
  }

  get shootClient(): Daemon {
    return started(this.#shootClient, 'shoot-client')
  }

  /** The last lines of both daemons, of those that were started. */
  lastLines(lines: number): string {
    const daemons = { 'seed-server': this.#seedServer, 'shoot-client': this.#shootClient }
    return Object.entries(daemons)
      .filter(([, daemon]) => daemon !== undefined)
      .map(([name, daemon]) => `${name}, its last lines:\n${daemon?.process.tail(lines)}`)
      .join('\n')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lab.close()
  }
}

function started<T>(part: T | undefined, name: string): T {
  if (part === undefined) throw new Error(`the ${name} was not started yet`)
  return part
}
