import type { Socket } from 'node:net'
import { resetConnection } from './reset-connection.js'
import type { SpliceEnd } from './splice.js'

/** A connection that was admitted: who is on it, and how it is taken down. */
export interface Caller extends SpliceEnd {
  /** From its certificate; `unix` on a Unix socket, where the file's mode is the authorisation. */
  readonly name: string
  /** Its address and port, or the path of the Unix socket. */
  readonly source: string
  /** Whether one write arrives as one read: true with TLS, whose records a reader gets one by one. */
  readonly hasRecords: boolean
}

/** @param transport the TCP socket beneath TLS; absent on a Unix socket, which knows no reset */
export function createCaller(
  socket: Socket,
  facts: { name: string; source: string; transport?: Socket | undefined },
): Caller {
  const { name, source, transport } = facts
  return {
    socket,
    name,
    source,
    hasRecords: transport !== undefined,
    reset() {
      if (transport) resetConnection(socket, transport)
      else socket.destroy()
    },
  }
}
