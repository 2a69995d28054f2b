import type { Logger } from '@reversed-vpn/daemon'
import type { WelcomeMessage } from '@reversed-vpn/protocol'
import { type AppliedNetwork, applyShootNetwork, type ShootNetworks } from '@reversed-vpn/session'

export interface ForwardingOptions {
  readonly tun: string
  readonly egressInterface: string
  /** Ports of this process that nothing from the tunnel may reach. */
  readonly ownPorts: readonly number[]
  /** What is let in, instead of what the seed side announces. A kind without entries is taken as announced. */
  readonly allowed: ShootNetworks
  readonly log: Logger
}

/**
 * Addresses, routes and firewall of the shoot side. They follow what WELCOME announces and stay as they are while it
 * announces the same again, so that a reconnect touches nothing that a connection inside depends on.
 */
export class Forwarding {
  readonly #options: ForwardingOptions
  #applied: { readonly key: string; readonly network: AppliedNetwork } | undefined

  constructor(options: ForwardingOptions) {
    this.#options = options
  }

  /** The networks that are let in, given what the seed side announced. */
  allowedNetworks({ networks }: WelcomeMessage): ShootNetworks {
    const { allowed } = this.#options
    const pick = (kind: keyof ShootNetworks) => (allowed[kind].length > 0 ? allowed[kind] : networks[kind])
    return { pod: pick('pod'), service: pick('service'), node: pick('node') }
  }

  /** @throws NetworkError when the kernel or the plan does not allow it; what was before is gone then */
  async apply(welcome: WelcomeMessage): Promise<void> {
    const { tun, egressInterface, ownPorts } = this.#options
    const plan = {
      tun,
      mtu: welcome.mtu,
      seedAddresses: welcome.addresses.seed,
      shootAddresses: welcome.addresses.shoot,
      networks: this.allowedNetworks(welcome),
      egressInterface,
      ownPorts,
    }
    const key = JSON.stringify(plan)
    if (this.#applied?.key === key) return
    await this.remove()
    const network = await applyShootNetwork(plan)
    this.#applied = { key, network }
    for (const warning of network.warnings) this.#options.log.warn(warning)
  }

  /** Takes away what was applied. Idempotent. */
  async remove(): Promise<void> {
    const applied = this.#applied
    this.#applied = undefined
    await applied?.network.close()
  }
}
