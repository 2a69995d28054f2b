import type { TlsFiles } from '@reversed-vpn/secure'

/** The only argument of the programs of a storm, as JSON. */
export interface StormSetting {
  readonly tls: TlsFiles
  /** The tunnel port of each seed-server. */
  readonly ports: readonly number[]
  /** URL of the gateway's CONNECT port. */
  readonly gateway: string
  readonly tunnels: number
}

/** Reported each time all tunnels are up. Milliseconds from the loss of a tunnel to its next WELCOME. */
export interface AllUp {
  readonly attempts: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** The name in the routing header; the gateway maps it to the port. */
export function shootAt(port: number): string {
  return `shoot--${port}`
}

export function readSetting(): StormSetting {
  return JSON.parse(process.argv[2] ?? '')
}
