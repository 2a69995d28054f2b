import type { Lab, ShootCertificates } from '@reversed-vpn/test/lab'
import { DIRECT } from '../peers/direct.js'
import { OPENVPN } from '../peers/openvpn.js'
import { startPair, TUN_NAME } from '../peers/ours.js'
import type { OpenPath } from '../peers/peer.js'

export const CONGESTIONS = ['bbr', 'cubic'] as const
export type Congestion = (typeof CONGESTIONS)[number]

/** A peer for high-RTT paths. */
export interface WanPeer {
  /** As `--peers` and the results name it. */
  readonly name: string
  readonly title: string
  /** Whether it sends the user's traffic over connections of its own. */
  readonly isTunnel: boolean
  /** Whether it sets the congestion control of its connections itself; then its hosts keep the default. */
  readonly hasOwnCongestion?: true
  /** Resolves when traffic can flow. @param outer the congestion control of its connections */
  open(lab: Lab, certificates: ShootCertificates, outer: Congestion): Promise<OpenPath>
}

/** In the order of every table. */
export const WAN_PEERS: readonly WanPeer[] = [
  { ...DIRECT, isTunnel: false },
  { ...OPENVPN, isTunnel: true },
  ours('ours', 'reversed-vpn', []),
  ours('ours-lanes-4', 'reversed-vpn, 4 lanes', ['--lanes', '4']),
]

/** A peer, the congestion control of the connections inside and, for a tunnel, of those outside. */
export interface WanVariant {
  readonly peer: WanPeer
  readonly inner: Congestion
  readonly outer: Congestion
}

export function variantsOf(peers: readonly WanPeer[]): WanVariant[] {
  return peers.flatMap((peer) =>
    CONGESTIONS.flatMap((inner) =>
      (peer.isTunnel ? CONGESTIONS : [inner]).map((outer) => ({ peer, inner, outer })),
    ),
  )
}

/** One of each peer; together they have every congestion control inside and outside. */
export function smokeVariantsOf(peers: readonly WanPeer[]): WanVariant[] {
  return peers.map((peer) => ({
    peer,
    inner: peer.isTunnel ? 'bbr' : 'cubic',
    outer: peer.name === 'ours-lanes-4' ? 'cubic' : 'bbr',
  }))
}

/** As the results name it. */
export function variantName({ peer, inner, outer }: WanVariant): string {
  return peer.isTunnel ? `${peer.name} ${inner}/${outer}` : `${peer.name} ${inner}`
}

export function variantTitle({ peer, inner, outer }: WanVariant): string {
  return peer.isTunnel ? `${peer.title}; ${inner} in ${outer}` : `${peer.title}; ${inner}`
}

function ours(name: string, title: string, client: readonly string[]): WanPeer {
  return {
    name,
    title,
    isTunnel: true,
    hasOwnCongestion: true,
    async open(lab, certificates, outer) {
      // BBR is our default.
      const congestion = outer === 'bbr' ? [] : ['--congestion', outer]
      const processes = await startPair(lab, certificates, {
        seed: congestion,
        client: [...client, ...congestion],
      })
      return { processes, seedDevice: TUN_NAME }
    },
  }
}
