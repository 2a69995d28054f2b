import type { TlsFiles } from '@reversed-vpn/secure'

/** What the programs of a storm are told, as JSON in their only argument. */
export interface StormSetting {
  readonly tls: TlsFiles
  /** One tunnel port for each seed-server that takes part. */
  readonly ports: readonly number[]
  /** URL of the gateway's CONNECT port. */
  readonly gateway: string
  readonly tunnels: number
}

/** What has become of the tunnels each time all of them are up. Milliseconds from the loss of a tunnel to its next WELCOME. */
export interface AllUp {
  readonly attempts: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

/** The name in the routing header behind which the gateway finds a port. */
export function shootAt(port: number): string {
  return `shoot--${port}`
}

export function readSetting(): StormSetting {
  return JSON.parse(process.argv[2] ?? '')
}
