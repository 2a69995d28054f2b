import type { Logger } from '@reversed-vpn/daemon'
import {
  applyShootNetwork,
  checkPreparedShootNetwork,
  NetworkError,
  type ShootNetworkPlan,
  type UpdatableNetwork,
} from '@reversed-vpn/host-network'
import { networkAround, type ShootNetworks } from '@reversed-vpn/ip'
import type { WelcomeMessage } from '@reversed-vpn/protocol'
import { closeNetwork, logWarnings } from '@reversed-vpn/tunnel-daemon'
import { joinAnnouncements, joinNetworks } from './announcements.js'

interface ForwardingOptions {
  /** Undefined where no packets are carried: nothing of this machine's network is touched then. */
  readonly tun: string | undefined
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
  /** The networks of all seed-servers that are served are these now. @default nobody is told */
  readonly onNetworks?: (networks: ShootNetworks) => void
  readonly log: Logger
}

/** What a seed-server has announced. */
interface Announcement {
  readonly welcome: WelcomeMessage
  /** It has a session. */
  isUp: boolean
}

/**
 * Addresses, routes and firewall of the shoot side. They follow what WELCOME announces and what is let in, and stay as they are
 * while neither changes, so that a reconnect touches nothing that a connection inside depends on. Each seed-server that is
 * served is known by an `owner`. Where no packets are carried, only the networks are followed.
 */
export class Forwarding {
  readonly #options: ForwardingOptions
  #allowed: ShootNetworks
  /** What is in force now: the newest of each owner. */
  #announced: ReadonlyMap<object, Announcement> = new Map()
  #applied:
    | {
        readonly key: string
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
   * Applies what a seed-server announces, beside what others that are up have announced.
   * @returns the networks that this one may reach now
   * @throws NetworkError ERR_TRANSFER_NETWORK_CONFLICT when it does not fit beside the others, ERR_NETWORK_NOT_PREPARED when what
   *   was set up is something else, others when the kernel or the plan does not allow it; what was before is in force still
   */
  apply(welcome: WelcomeMessage, owner: object = this): Promise<ShootNetworks> {
    return this.#inTurn(async () => {
      const others = [...this.#announced].filter(([other, { isUp }]) => isUp && other !== owner)
      const announced = new Map([...others, [owner, { welcome, isUp: true }] as const])
      try {
        await this.#apply(announced, this.#allowed)
      } catch (error) {
        const isOurs = error instanceof NetworkError && error.code === 'ERR_NETWORK_NOT_PREPARED'
        if (!isOurs || others.length === 0) throw error
        // No reason to end the process: others are served.
        throw new NetworkError('ERR_TRANSFER_NETWORK_CONFLICT', error.message, { cause: error })
      }
      return letIn(welcome, this.#allowed)
    })
  }

  /**
   * Applies what the seed side announces while a session is up. What cannot be applied is logged.
   * @returns the networks that are let in now: those of before where the new ones cannot be applied
   */
  async follow(welcome: WelcomeMessage, owner: object = this): Promise<ShootNetworks> {
    try {
      return await this.apply(welcome, owner)
    } catch (error) {
      const current = this.networksOf(owner)
      if (!(error instanceof NetworkError) || current === undefined) throw error
      const fields = { code: error.code, reason: error.message, announced: welcome.networks }
      this.#options.log.error(fields, 'announced networks refused, the previous ones stay')
      return current
    }
  }

  /** The networks that this seed-server may reach now. Undefined while it has announced none. */
  networksOf(owner: object): ShootNetworks | undefined {
    const announcement = this.#announced.get(owner)
    return announcement && letIn(announcement.welcome, this.#allowed)
  }

  /** That one has no session any more. What it has announced stays until another announces, so that it finds all as it was. */
  leave(owner: object): void {
    const announcement = this.#announced.get(owner)
    if (announcement !== undefined) announcement.isUp = false
  }

  /**
   * Lets in other networks from now on.
   * @throws NetworkError as `apply`
   */
  allow(allowed: ShootNetworks): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#announced.size > 0) await this.#apply(this.#announced, allowed)
      this.#allowed = allowed
    })
  }

  /** Takes away what was applied. Idempotent. */
  remove(): Promise<void> {
    return this.#inTurn(async () => {
      const applied = this.#applied
      this.#applied = undefined
      this.#announced = new Map()
      if (applied !== undefined) await closeNetwork(applied.network, applied.network.tun, this.#options.log)
    })
  }

  async #apply(announced: ReadonlyMap<object, Announcement>, allowed: ShootNetworks): Promise<void> {
    const welcomes = [...announced.values()].map(({ welcome }) => welcome)
    const [newest, ...others] = welcomes.toReversed()
    if (newest === undefined) return
    const { tun, onNetworks } = this.#options
    if (tun !== undefined) await this.#applyToHost(tun, newest, others, allowed)
    this.#announced = announced
    onNetworks?.(letIn({ networks: joinNetworks(welcomes) }, allowed))
  }

  async #applyToHost(
    tun: string,
    newest: WelcomeMessage,
    others: readonly WelcomeMessage[],
    allowed: ShootNetworks,
  ): Promise<void> {
    const { egressInterface, ownPorts, isPrepared, transferNetworks } = this.#options
    if (!isPrepared) checkTransferNetworks(newest, transferNetworks)
    const { addresses, mtu, networks } = joinAnnouncements(newest, others)
    const plan = {
      tun,
      mtu,
      seedAddresses: addresses.seed,
      shootAddresses: addresses.shoot,
      networks: letIn({ networks }, allowed),
      egressInterface,
      ownPorts,
    }
    const key = JSON.stringify(plan)
    if (this.#applied?.key === key) return
    const network = this.#applied?.network ?? (await this.#begin(plan))
    if (this.#applied !== undefined) await network.update(plan)
    this.#applied = { key, network }
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

function letIn({ networks }: Pick<WelcomeMessage, 'networks'>, allowed: ShootNetworks): ShootNetworks {
  const pick = (kind: keyof ShootNetworks) => (allowed[kind].length > 0 ? allowed[kind] : networks[kind])
  return { pod: pick('pod'), service: pick('service'), node: pick('node') }
}

/** The seed side does not choose which addresses of this machine's world it takes. */
function checkTransferNetworks({ addresses }: WelcomeMessage, allowed: readonly string[]): void {
  for (const address of [...addresses.seed, ...addresses.shoot]) {
    const network = networkAround(address).text
    if (allowed.includes(network)) continue
    const message = `the seed side announces the transfer network ${network}, --vpn-network allows ${allowed.join(', ')}`
    throw new NetworkError('ERR_TRANSFER_NETWORK_NOT_ALLOWED', message)
  }
}
