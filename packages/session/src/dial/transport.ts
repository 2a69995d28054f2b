import type { Duplex } from 'node:stream'

/** Opens a byte stream to the peer's tunnel port, by whatever way. The session above does not know which. */
export interface Transport {
  /** How it goes, for logs: `CONNECT through api.example:8132`. */
  readonly description: string
  /**
   * A connected stream that carries nothing yet: a socket, or what unwraps one. The caller owns it.
   * @throws DialError, or the signal's reason when it fires first
   */
  open(signal: AbortSignal): Promise<Duplex>
}
