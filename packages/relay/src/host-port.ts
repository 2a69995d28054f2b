import { isIPv6 } from 'node:net'

/** An address or name with a port, as people write it: `10.0.0.1:80`, `[fd00::1]:80`. */
export function formatHostPort(host: string, port: number): string {
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`
}
