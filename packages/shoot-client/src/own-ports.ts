import type { ShootClientOptions } from './options.js'

/** Ports of this process that nothing from the tunnel may reach. */
export function ownPortsOf({
  adminListen,
  listen,
}: Pick<ShootClientOptions, 'adminListen' | 'listen'>): number[] {
  return [adminListen, listen].flatMap((own) => own?.port || [])
}
