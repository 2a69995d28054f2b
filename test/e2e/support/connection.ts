import { fileURLToPath } from 'node:url'
import type { Host } from '@reversed-vpn/test/lab'

/** One connection from a host: how it is opened and what is sent on it. */
export interface ConnectionOrder {
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
  /** Sent as soon as the connection is open, TLS included. */
  readonly sendHex?: string
  /** Then a CONNECT to this HOST:PORT is sent, and the rest waits for the answer. */
  readonly connectTo?: string
  /** Sent after that, to the last byte. */
  readonly sendFile?: string
  /** Whether our half is ended then. @default false: the other end closes */
  readonly endsItsHalf?: boolean
}

export interface ConnectionReport {
  /** Whether the handshake was completed, as seen from here. */
  readonly isSecured: boolean
  /** Everything received, one character per byte. */
  readonly received: string
  readonly errorCode?: string | undefined
  readonly durationMs: number
}

const PROGRAM = fileURLToPath(new URL('./client.js', import.meta.url))

/** Opens the connection and waits until it is closed. @throws LabError if it is still open after the deadline */
export async function connect(
  from: Host,
  connection: ConnectionOrder,
  deadlineMs = 60_000,
): Promise<ConnectionReport> {
  const { stdout } = await from.mustRun(process.execPath, [PROGRAM, JSON.stringify(connection)], {
    deadlineMs,
  })
  return JSON.parse(stdout) as ConnectionReport
}
