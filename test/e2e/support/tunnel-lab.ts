import {
  type CommandResult,
  type ConnectGateway,
  curlThroughEgress,
  type Daemon,
  type Host,
  Lab,
  Pki,
  ROUTED_CALLER,
  type ShootCertificates,
  startSeedServer,
  startShootClient,
} from '@reversed-vpn/test/lab'

/** Shorter than by default, so that what waits for one of them is seen soon, and longer than others hold a process up. */
export const QUICK_TIMES = ['--keepalive', '300ms', '--dead-after', '5s']
/** For tests of dead peers alone: a busy machine looks like one. */
export const HASTY = ['--dead-after', '1500ms']
export const QUICK_RECONNECT = ['--reconnect-min', '50ms', '--reconnect-max', '400ms']

interface TunnelLabOptions {
  /** Seed-servers forward what the caller sends by plain routes. @default false */
  readonly routesCaller?: boolean
}

interface ClientOptions {
  readonly host?: Host
  readonly gateway?: ConnectGateway
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
}

/** A lab with certificates for one shoot, in which daemons come and go. */
export class TunnelLab implements AsyncDisposable {
  readonly lab: Lab
  readonly pki: Pki
  readonly certificates: ShootCertificates
  readonly #seedArgs: readonly string[]

  static async create({ routesCaller = false }: TunnelLabOptions = {}): Promise<TunnelLab> {
    const lab = await Lab.create()
    try {
      const pki = await Pki.create(lab.dir)
      const seedArgs = [...QUICK_TIMES, ...(routesCaller ? ROUTED_CALLER : [])]
      return new TunnelLab(lab, pki, await pki.shoot(), seedArgs)
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  private constructor(lab: Lab, pki: Pki, certificates: ShootCertificates, seedArgs: readonly string[]) {
    this.lab = lab
    this.pki = pki
    this.certificates = certificates
    this.#seedArgs = seedArgs
  }

  get hosts() {
    return this.lab.hosts
  }

  /** Resolves when its admin server answers. @param command the program, its first arguments and what comes before it */
  startSeed(args: readonly string[] = [], command?: readonly string[]): Promise<Daemon> {
    const { certificates } = this
    const program = command === undefined ? {} : { command }
    return startSeedServer(this.lab, { ...program, certificates, args: [...this.#seedArgs, ...args] })
  }

  /** Resolves when its admin server answers. */
  startClient({ args = [], ...options }: ClientOptions = {}): Promise<Daemon> {
    const { certificates } = this
    return startShootClient(this.lab, {
      ...options,
      certificates,
      args: [...QUICK_TIMES, ...QUICK_RECONNECT, ...args],
    })
  }

  /** Both daemons, with the tunnel between them up. */
  async startBoth(
    seedArgs: readonly string[] = [],
    clientOptions: ClientOptions = {},
  ): Promise<{ readonly seed: Daemon; readonly client: Daemon }> {
    const [seed, client] = await Promise.all([this.startSeed(seedArgs), this.startClient(clientOptions)])
    await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
    return { seed, client }
  }

  /** curl on the caller, through the egress proxy. */
  curlEgress(url: string, args: readonly string[] = []): Promise<CommandResult> {
    return curlThroughEgress(this.lab, url, { certificates: this.certificates, args: ['-m', '30', ...args] })
  }

  /** curl on the caller, over the routes of the seed, which has to forward what it sends. */
  curlRouted(url: string, args: readonly string[] = []): Promise<CommandResult> {
    return this.hosts.caller.run('curl', ['-sS', '-g', '-m', '30', ...args, url])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.lab.close()
  }
}

/** As it stands in a URL. */
export function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
