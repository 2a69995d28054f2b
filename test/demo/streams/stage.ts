import { existsSync, rmSync } from 'node:fs'
import { Pki, type ShootCertificates } from '@reversed-vpn/test/lab'
import { foreignNetworks, freePort, loopbackOfOurs } from './addresses.js'
import { CutRelay } from './cut-relay.js'
import { EgressCaller } from './egress-caller.js'
import { LocalDaemon } from './local-daemon.js'
import { NameServer } from './name-server.js'
import { NAME_SERVER_VARIABLE } from './name-server-variable.js'
import { TargetServer } from './target-server.js'
import { chooseUser, giveTo } from './user.js'

/** A name that the shoot alone knows. */
export const TARGET_NAME = 'node-1.shoot.example'

const PRELOAD = new URL('./use-name-server.js', import.meta.url).href

/** Everything that plays a part, on one address of loopback but for the target. It all ends with this. */
export class Stage implements AsyncDisposable {
  readonly user = chooseUser()
  /** Of this machine; the target is there. */
  readonly address: string
  /** A network that only the seed-server allows. */
  readonly refusedByShoot: string
  readonly loopback = loopbackOfOurs()
  readonly #ownNetwork: string
  readonly #ports: number[] = []
  readonly #parts: AsyncDisposable[] = []
  readonly #daemons: LocalDaemon[] = []
  #pki: Pki | undefined
  #caller: EgressCaller | undefined
  #relay: CutRelay | undefined
  #target: TargetServer | undefined

  constructor(address: string) {
    this.address = address
    const [refusedByShoot, ownNetwork] = foreignNetworks(address)
    this.refusedByShoot = refusedByShoot
    this.#ownNetwork = ownNetwork
  }

  async start(): Promise<void> {
    this.#pki = await Pki.create()
    const certificates = await this.#pki.shoot()
    if (this.user.uid !== undefined) await giveTo(this.user.uid, this.#pki.dir)
    this.#target = this.#added(await TargetServer.open(this.address))
    const tunnelPort = await this.#freePort()
    this.#relay = this.#added(await CutRelay.open(this.loopback, { host: this.loopback, port: tunnelPort }))
    this.#ports.push(this.#relay.port)
    await this.#startSeedServer(certificates, tunnelPort)
    await this.#startShootClient(certificates, this.#relay.port)
  }

  get caller(): EgressCaller {
    return started(this.#caller)
  }

  get relay(): CutRelay {
    return started(this.#relay)
  }

  get seedServer(): LocalDaemon {
    return started(this.#daemons[0])
  }

  get shootClient(): LocalDaemon {
    return started(this.#daemons[1])
  }

  get targetPort(): number {
    return started(this.#target).port
  }

  /** The target by its address, as CONNECT has it. */
  get target(): string {
    return `${this.address}:${this.targetPort}`
  }

  /** Ends the daemons in order, then all else. @returns the exit codes of both daemons */
  async end(): Promise<readonly unknown[]> {
    const codes = []
    for (const daemon of this.#daemons) codes.push(await daemon.stop())
    await this[Symbol.asyncDispose]()
    return codes
  }

  /** What is there still after the end, in words. */
  async leftovers(): Promise<string[]> {
    const processes = this.#daemons.map(({ process }) => `/proc/${process.pid}`)
    const places = [...processes, this.#pki?.dir ?? ''].filter((place) => existsSync(place))
    for (const port of this.#ports) {
      await freePort(this.loopback, port).catch(({ message }: Error) => places.push(message))
    }
    return places
  }

  /** How many ports of loopback were in use. */
  get ports(): number {
    return this.#ports.length
  }

  /** Ends the daemons at once and takes the directory away: for a process that is about to end. */
  abandon(): void {
    for (const daemon of this.#daemons) daemon.process.kill('SIGKILL')
    if (this.#pki !== undefined) rmSync(this.#pki.dir, { recursive: true, force: true })
  }

  /** The last lines of both daemons. */
  lastLines(lines: number): string {
    return this.#daemons.map(({ process }) => `${process.tail(lines)}\n`).join('\n')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.stop()))
    await Promise.all(this.#parts.map((part) => part[Symbol.asyncDispose]()))
    await this.#pki?.[Symbol.asyncDispose]()
  }

  async #startSeedServer(certificates: ShootCertificates, tunnelPort: number): Promise<void> {
    const { egressCa, egressServer, seedServer, tunnelCa } = certificates
    const proxy = { host: this.loopback, port: await this.#freePort() }
    this.#caller = new EgressCaller(proxy, certificates)
    const tls = ['--tls-cert', seedServer.certFile, '--tls-key', seedServer.keyFile]
    const egressTls = ['--egress-tls-cert', egressServer.certFile, '--egress-tls-key', egressServer.keyFile]
    await this.#startDaemon('seed-server', [
      ...['--listen', `${this.loopback}:${tunnelPort}`, '--egress-listen', `${proxy.host}:${proxy.port}`],
      ...[...tls, '--tls-ca', tunnelCa.certFile, ...egressTls, '--egress-tls-ca', egressCa.certFile],
      ...['--resolve', 'shoot', '--node-network', `${this.address}/32`, '--pod-network', this.refusedByShoot],
    ])
  }

  async #startShootClient({ shootClient, tunnelCa }: ShootCertificates, relayPort: number): Promise<void> {
    const nameServer = this.#added(await NameServer.open(this.loopback, TARGET_NAME, this.address))
    const tls = ['--tls-cert', shootClient.certFile, '--tls-key', shootClient.keyFile]
    const env = {
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${PRELOAD}`.trim(),
      [NAME_SERVER_VARIABLE]: nameServer.endpoint,
    }
    const where = ['--server', `${this.loopback}:${relayPort}`, '--pod-network', this.#ownNetwork]
    await this.#startDaemon('shoot-client', [...where, ...tls, '--tls-ca', tunnelCa.certFile], env)
  }

  async #startDaemon(
    name: 'seed-server' | 'shoot-client',
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
  ): Promise<void> {
    const admin = { host: this.loopback, port: await this.#freePort() }
    const options = { args: ['--carry', 'streams', ...args], admin, uid: this.user.uid, env }
    this.#daemons.push(await LocalDaemon.start(name, options))
  }

  async #freePort(): Promise<number> {
    const port = await freePort(this.loopback)
    this.#ports.push(port)
    return port
  }

  #added<T extends AsyncDisposable>(part: T): T {
    this.#parts.push(part)
    return part
  }
}

function started<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('not everything was started')
  return part
}
