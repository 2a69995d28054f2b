import type { TLSSocket } from 'node:tls'
import { encodeControl, type RejectCode } from '@reversed-vpn/protocol'
import { answerAndClose } from '@reversed-vpn/relay'
import { REJECT_GRACE_MS } from './limits.js'

/** Refuses a peer that was not authenticated: sends REJECT and reads nothing. */
export function rejectBeforeHello(socket: TLSSocket, code: RejectCode, reason: string): void {
  socket.on('error', () => socket.destroy())
  answerAndClose(socket, encodeControl({ type: 'REJECT', code, reason }), { lingerMs: REJECT_GRACE_MS })
}
