import type { Logger } from '@reversed-vpn/daemon'
import {
  applyShootNetwork,
  checkPreparedShootNetwork,
  NetworkError,
  type ShootNetworkPlan,
  type UpdatableNetwork,
} from '@reversed-vpn/host-network'
import { makeCidr, parseAddressWithPrefix, type ShootNetworks } from '@reversed-vpn/ip'
import type { WelcomeMessage } from '@reversed-vpn/protocol'
import { logWarnings } from '@reversed-vpn/tunnel-daemon'

interface ForwardingOptions {
  readonly tun: string
  readonly egressInterface: string
  /** Ports of this process that nothing from the tunnel may reach. */
  readonly ownPorts: readonly number[]
  /** `setup` made addresses, routes and firewall: they are checked, and left as they are. */
  readonly isPrepared: boolean
  /** What is let in, instead of what the seed side announces. Of a kind without entries, what is announced. */
  readonly allowed: ShootNetworks
  /** Which the seed side may announce; after `setup`, the one it was given counts. */
  readonly transferNetworks: readonly string[]
  /** Watches over what was applied, until it is closed. */
  readonly guard: (network: UpdatableNetwork<ShootNetworkPlan>) => UpdatableNetwork<ShootNetworkPlan>
  readonly log: Logger
}

/**
 * Addresses, routes and firewall of the shoot side. They follow what WELCOME announces and what is let in, and stay as they are
 * while neither changes, so that a reconnect touches nothing that a connection inside depends on.
 */
export class Forwarding {
  readonly #options: ForwardingOptions
  #allowed: ShootNetworks
  /** The newest one that was applied. */
  #welcome: WelcomeMessage | undefined
  #applied:
    | {
        readonly key: string
        readonly networks: ShootNetworks
        readonly network: UpdatableNetwork<ShootNetworkPlan>
      }
    | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ForwardingOptions) {
    this.#options = options
    this.#allowed = options.allowed
  }

  /** What is let in instead of what is announced. */
  get allowed(): ShootNetworks {
    return this.#allowed
  }

  /**
   * Applies what the seed side announces.
   * @returns the networks that are let in now
   * @throws NetworkError ERR_NETWORK_NOT_PREPARED when what was set up is something else, others when the kernel or the plan
   * does not
   *   allow it; what was before is in force still
   */
  apply(welcome: WelcomeMessage): Promise<ShootNetworks> {
    return this.#inTurn(async () => {
      const networks = await this.#apply(welcome, this.#allowed)
      this.#welcome = welcome
      return networks
    })
  }

  /**
   * Applies what the seed side announces while a session is up. What cannot be applied is logged.
   * @returns the networks that are let in now: those of before where the new ones cannot be applied
   */
  async follow(welcome: WelcomeMessage): Promise<ShootNetworks> {
    try {
      return await this.apply(welcome)
    } catch (error) {
      const current = this.#applied?.networks
      if (!(error instanceof NetworkError) || current === undefined) throw error
      const fields = { code: error.code, reason: error.message, announced: welcome.networks }
      this.#options.log.error(fields, 'announced networks refused, the previous ones stay')
      return current
    }
  }

  /**
   * Lets in other networks from now on.
   * @returns those that are let in now, or undefined while nothing is announced
   * @throws NetworkError as `apply`
   */
  allow(allowed: ShootNetworks): Promise<ShootNetworks | undefined> {
    return this.#inTurn(async () => {
      const networks = this.#welcome && (await this.#apply(this.#welcome, allowed))
      this.#allowed = allowed
      return networks
    })
  }

  /** Takes away what was applied. Idempotent. */
  remove(): Promise<void> {
    return this.#inTurn(async () => {
      const applied = this.#applied
      this.#applied = undefined
      this.#welcome = undefined
      await applied?.network.close()
    })
  }

  async #apply(welcome: WelcomeMessage, allowed: ShootNetworks): Promise<ShootNetworks> {
    const { tun, egressInterface, ownPorts, isPrepared, transferNetworks } = this.#options
    if (!isPrepared) checkTransferNetworks(welcome, transferNetworks)
    const pick = (kind: keyof ShootNetworks) =>
      allowed[kind].length > 0 ? allowed[kind] : welcome.networks[kind]
    const networks = { pod: pick('pod'), service: pick('service'), node: pick('node') }
    const plan = {
      tun,
      mtu: welcome.mtu,
      seedAddresses: welcome.addresses.seed,
      shootAddresses: welcome.addresses.shoot,
      networks,
      egressInterface,
      ownPorts,
    }
    const key = JSON.stringify(plan)
    if (this.#applied?.key === key) return networks
    const network = this.#applied?.network ?? (await this.#begin(plan))
    if (this.#applied !== undefined) await network.update(plan)
    this.#applied = { key, networks, network }
    return networks
  }

  async #begin(plan: ShootNetworkPlan): Promise<UpdatableNetwork<ShootNetworkPlan>> {
    const { isPrepared, guard, log } = this.#options
    const network = await (isPrepared ? checkPreparedShootNetwork : applyShootNetwork)(plan)
    logWarnings(log, network.warnings)
    return guard(network)
  }

  /** One after the other: lanes come up side by side. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => {})
    return turn
  }
}

/** The seed side does not choose which addresses of this machine's world it takes. */
function checkTransferNetworks({ addresses }: WelcomeMessage, allowed: readonly string[]): void {
  for (const address of [...addresses.seed, ...addresses.shoot]) {
    const { family, value, prefixLength } = parseAddressWithPrefix(address)
    const network = makeCidr(family, value, prefixLength).text
    if (allowed.includes(network)) continue
    const message = `the seed side announces the transfer network ${network}, --vpn-network allows ${allowed.join(', ')}`
    throw new NetworkError('ERR_TRANSFER_NETWORK_NOT_ALLOWED', message)
  }
}
