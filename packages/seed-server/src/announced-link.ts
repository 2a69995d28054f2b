import type { DaemonContext } from '@reversed-vpn/daemon'
import { findNetworksProblem } from '@reversed-vpn/protocol'
import { type LinkSetting, resolveLink } from '@reversed-vpn/tunnel-daemon'
import type { SeedServerOptions } from './options.js'

/**
 * As `resolveLink`, for networks that WELCOME announces, with what may be routed there.
 * @throws UsageError naming the flag, also where WELCOME has no room: no shoot-client would ever get in
 */
export function resolveAnnouncedLink(
  options: Parameters<typeof resolveLink>[0] & Pick<SeedServerOptions, 'routedFrom'>,
  context: Pick<DaemonContext, 'optionError'>,
): LinkSetting {
  const link = resolveLink(options, context)
  const found = findNetworksProblem(link.networks)
  if (found !== undefined) throw context.optionError(`${found.kind}-network`, found.problem)
  return { ...link, plan: { ...link.plan, routedFrom: options.routedFrom } }
}
