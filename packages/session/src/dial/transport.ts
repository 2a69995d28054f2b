import type { Duplex } from 'node:stream'

/** Opens a byte stream to the peer's tunnel port. The session does not know how. */
export interface Transport {
  /** For logs: `CONNECT through api.example:8132`. */
  readonly description: string
  /**
   * A connected stream, nothing sent or read yet: a socket, or a stream that unwraps one. The caller owns it.
   * @throws DialError, or the signal's reason when it fires first
   */
  open(signal: AbortSignal): Promise<Duplex>
}
