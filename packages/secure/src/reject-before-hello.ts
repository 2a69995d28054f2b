import type { TLSSocket } from 'node:tls'
import { encodeControl, type RejectCode } from '@reversed-vpn/protocol'
import { answerAndClose } from '@reversed-vpn/relay'
import { REJECT_GRACE_MS } from './limits.js'

/** Refuses a peer that did not show who it is: REJECT is sent, nothing it says is read. */
export function rejectBeforeHello(socket: TLSSocket, code: RejectCode, reason: string): void {
  socket.on('error', () => socket.destroy())
  answerAndClose(socket, encodeControl({ type: 'REJECT', code, reason }), REJECT_GRACE_MS)
}
