import { isHostName } from '@reversed-vpn/daemon'
import {
  type ByteBudget,
  dialTarget,
  isPermitted,
  permittedAddresses,
  type TargetNetworks,
  TargetRefusal,
  type TargetResolver,
} from '@reversed-vpn/relay'
import { createOutboundSocket, isOwnAddress, OutboundTarget } from './outbound-target.js'

/** What a stream is to be opened to. */
export interface OutboundRequest {
  /** An address; with `isName` a name, to be looked up here. */
  readonly host: string
  readonly port: number
  readonly isName: boolean
}

export interface OutboundDiallerOptions {
  readonly networks: TargetNetworks
  /** Ports of this process that no stream may reach at any address of this host. */
  readonly ownPorts: readonly number[]
  /** Looks names up. @default names are refused */
  readonly resolver?: TargetResolver | undefined
  /** What streams may hold. */
  readonly budget: ByteBudget
  /** For all addresses of a target together. */
  readonly dialTimeoutMs: number
}

/** Dials into the shoot for the seed side, which may name any address: each is judged here, and dialled as it was judged. */
export class OutboundDialler {
  readonly #options: OutboundDiallerOptions
  #networks: TargetNetworks

  constructor(options: OutboundDiallerOptions) {
    this.#options = options
    this.#networks = options.networks
  }

  setNetworks(networks: TargetNetworks): void {
    this.#networks = networks
  }

  /** Whether that address may be reached now. */
  permits(address: string): boolean {
    return isPermitted(this.#networks, address)
  }

  /**
   * Judges, looks up where it is a name, and dials what was judged.
   *
   * @throws TargetRefusal
   * @throws the signal's reason when that aborts
   */
  async dial({ host, port, isName }: OutboundRequest, signal: AbortSignal): Promise<OutboundTarget> {
    const { budget, dialTimeoutMs: timeoutMs } = this.#options
    const candidates = isName ? await this.#lookUp(host, signal) : [host]
    const networks = this.#networks
    const permitted = permittedAddresses(networks, host, candidates)
    const addresses = permitted.filter((address) => !this.#isOwn(address, port))
    const [first] = addresses
    if (first === undefined)
      throw new TargetRefusal('prohibited', `port ${port} of ${host} is the shoot-client's own`)
    const createSocket = () => createOutboundSocket(budget)
    const socket = await dialTarget(addresses, { port, createSocket, timeoutMs, signal })
    const answered = addresses.length === 1 ? first : (socket.remoteAddress ?? first)
    const target = new OutboundTarget(socket, answered)
    if (networks === this.#networks || this.permits(answered)) return target
    target.reset()
    throw new TargetRefusal('prohibited', `${host} is outside the shoot's networks`)
  }

  async #lookUp(name: string, signal: AbortSignal): Promise<readonly string[]> {
    const { resolver } = this.#options
    if (resolver === undefined) throw new TargetRefusal('prohibited', 'names are not looked up here')
    if (!isHostName(name)) throw new TargetRefusal('no-address', 'the host is no name')
    return await resolver.resolve(name.toLowerCase(), signal)
  }

  #isOwn(address: string, port: number): boolean {
    return this.#options.ownPorts.includes(port) && isOwnAddress(address)
  }
}
