import type { TargetDialler } from '@reversed-vpn/egress-proxy'
import { StreamDialler, type StreamOpener } from './stream-dialler.js'

interface CarrierOptions {
  /** Whether there is a TUN. */
  readonly hasPackets: boolean
  /** Where names are looked up. */
  readonly resolve: 'seed' | 'shoot'
  /** Of the shoot side that is active now; undefined while there is none that takes streams. */
  readonly opener: () => StreamOpener | undefined
}

/** Names are left to whoever dials. */
const LEAVES_NAMES: Pick<TargetDialler, 'resolve'> = { resolve: async () => undefined }

/** Dials by streams wherever the shoot side takes them, and else through the TUN, where there is one. */
export function chooseDialler(
  tun: TargetDialler,
  { hasPackets, resolve, opener }: CarrierOptions,
): TargetDialler {
  const resolver = resolve === 'shoot' ? LEAVES_NAMES : tun
  const byStream = new StreamDialler({ opener, resolver })
  return {
    resolve: (name, signal) => resolver.resolve(name, signal),
    dial: (request) => {
      const needsStream = !hasPackets || request.addresses === undefined
      return (needsStream || opener() !== undefined ? byStream : tun).dial(request)
    },
  }
}
