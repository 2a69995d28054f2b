import type { Lab, ShootCertificates } from '@reversed-vpn/test/lab'
import { DIRECT } from '../src/peers/direct.js'
import { OPENVPN } from '../src/peers/openvpn.js'
import { startPair, TUN_NAME } from '../src/peers/ours.js'
import type { OpenPath } from '../src/peers/peer.js'

export const CONGESTIONS = ['bbr', 'cubic'] as const
export type Congestion = (typeof CONGESTIONS)[number]

/** One way to get from the seed into the shoot over a long way. */
export interface WanPeer {
  /** As `--peers` and the results name it. */
  readonly name: string
  readonly title: string
  /** Whether connections of its own carry those of the user. */
  readonly isTunnel: boolean
  /** Whether it chooses the congestion control of its connections itself: its hosts are left alone. */
  readonly isChoosing?: true
  /** Resolves when traffic can flow. @param outer the congestion control of its connections, which its hosts have by default unless it is choosing */
  open(lab: Lab, certificates: ShootCertificates, outer: Congestion): Promise<OpenPath>
}

/** In the order of every table. */
export const WAN_PEERS: readonly WanPeer[] = [
  { ...DIRECT, isTunnel: false },
  { ...OPENVPN, isTunnel: true },
  ours('ours', 'reversed-vpn', []),
  ours('ours-lanes-4', 'reversed-vpn, 4 lanes', ['--lanes', '4']),
]

/** A peer with the congestion control of the connections inside and, for a tunnel, of those outside. */
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

/** One of each peer, which together have every congestion control inside and outside. */
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
    isChoosing: true,
    async open(lab, certificates, outer) {
      // BBR is what a user gets without asking.
      const congestion = outer === 'bbr' ? [] : ['--congestion', outer]
      const processes = await startPair(lab, certificates, {
        seed: congestion,
        client: [...client, ...congestion],
      })
      return { processes, seedDevice: TUN_NAME }
    },
  }
}
