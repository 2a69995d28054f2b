import {
  type Host,
  Lab,
  type MeasureServer,
  Pki,
  setDefaultCongestion,
  startNginx,
  startWanLink,
  type WanLink,
} from '@reversed-vpn/test/lab'
import { startIperf } from '../measure/iperf.js'
import { commandLineOf } from '../measure/proc.js'
import type { OpenPath } from '../peers/peer.js'
import type { WanLinkSetting } from './wan-links.js'
import type { WanVariant } from './wan-variants.js'

/** The default of Linux. */
const LINUX_DEFAULT = 'cubic'

/**
 * A variant behind an emulated link, in a new lab for each of its measurements: what a connection has learnt of one link, such as
 * the shortest round trip, would falsify the next measurement.
 */
export class WanStage implements AsyncDisposable {
  readonly lab: Lab
  readonly wan: WanLink
  readonly path: OpenPath
  readonly iperf: MeasureServer
  /** The command lines of the peer's programs. */
  readonly commands: readonly string[]

  /** @param lossSeed decides which packets the link loses; the same for all variants that are compared */
  static async open(
    { peer, inner, outer }: WanVariant,
    link: WanLinkSetting,
    lossSeed: number,
  ): Promise<WanStage> {
    const lab = await Lab.create()
    try {
      const { caller, pod1, seed, node } = lab.hosts
      const wan = await startWanLink(lab, { ...link, delayMs: link.roundTripMs / 2, seed: lossSeed })
      await Promise.all([
        ...[caller, pod1].map((host) => setDefaultCongestion(host, inner)),
        ...[seed, node].map((host) =>
          setDefaultCongestion(host, peer.hasOwnCongestion ? LINUX_DEFAULT : outer),
        ),
      ])
      const pki = await Pki.create(lab.dir)
      const path = await peer.open(lab, await pki.shoot(), outer)
      const [iperf] = await Promise.all([startIperf(pod1), startNginx(lab, pod1)])
      return new WanStage(lab, wan, path, iperf)
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  private constructor(lab: Lab, wan: WanLink, path: OpenPath, iperf: MeasureServer) {
    this.lab = lab
    this.wan = wan
    this.path = path
    this.iperf = iperf
    this.commands = path.processes.map(({ pid }) => commandLineOf(pid).replaceAll(/\S*\//g, ''))
  }

  /** The host behind the seed that sends the requests. */
  get caller(): Host {
    return this.lab.hosts.caller
  }

  /** The address of the pod behind the node. */
  get podAddress(): string {
    return this.lab.hosts.pod1.addresses.ipv4
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close()
  }
}
