import { fileURLToPath } from 'node:url'
import type { Host } from '@reversed-vpn/test/lab'

/** One connection from a host: how it is made and what is said on it. */
export interface Journey {
  readonly host: string
  readonly port: number
  /** @default plain TCP */
  readonly tls?: {
    readonly certFile?: string
    readonly keyFile?: string
    readonly alpn?: readonly string[]
    /** @default 'TLSv1.3' */
    readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  }
  /** Said as soon as the connection, TLS included, stands. */
  readonly sendHex?: string
  /** Then CONNECT is said to that HOST:PORT, and what follows waits for the answer. */
  readonly connectTo?: string
  /** Said after that, to the last byte. */
  readonly sendFile?: string
  /** Whether our half is ended then. @default false: the other end has to close */
  readonly endsItsHalf?: boolean
}

export interface JourneyReport {
  /** Whether the handshake came to its end, as seen from here. */
  readonly isSecured: boolean
  /** Everything that came back, one character a byte. */
  readonly received: string
  readonly errorCode?: string | undefined
  readonly durationMs: number
}

const PROGRAM = fileURLToPath(new URL('./traveller.js', import.meta.url))

/** Makes the connection and waits until it is closed. @throws LabError when it is still open after the deadline */
export async function travel(from: Host, journey: Journey, deadlineMs = 20_000): Promise<JourneyReport> {
  const { stdout } = await from.mustRun(process.execPath, [PROGRAM, JSON.stringify(journey)], { deadlineMs })
  return JSON.parse(stdout) as JourneyReport
}
