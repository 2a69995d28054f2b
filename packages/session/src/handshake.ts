import {
  type ControlMessage,
  type HelloMessage,
  type RejectCode,
  TunnelError,
  type WelcomeMessage,
} from '@reversed-vpn/protocol'
import { withDeadline } from '@reversed-vpn/relay'
import { HANDSHAKE_TIMEOUT_MS } from '@reversed-vpn/secure'
import type { FrameStream } from './frame-stream.js'

/** What a handshake needs of a connection. */
type ControlStream = Pick<FrameStream, 'sendControl' | 'nextControl' | 'end'>

interface HandshakeWait {
  /** @default 10000 */
  readonly timeoutMs?: number
  /** Ends the wait with its reason. The connection is left to the caller then. @default never fires */
  readonly signal?: AbortSignal
}

/** The seed side's refusal, as the shoot side sees it. */
export class RejectedError extends TunnelError {
  readonly rejectCode: RejectCode

  constructor(rejectCode: RejectCode, reason: string) {
    super('ERR_PEER_REJECTED', `the seed side refused: ${rejectCode}, ${reason}`)
    this.rejectCode = rejectCode
  }
}

/**
 * The seed side's part: waits for HELLO, whoever dialled. Anything else is answered with REJECT, and the
 * connection is ended.
 * @throws TunnelError ERR_PEER_REJECTED when the shoot side refuses our certificate; ERR_HANDSHAKE_TIMEOUT,
 *   ERR_FRAME_UNEXPECTED, ERR_CONTROL_INVALID, ERR_PEER_CLOSED
 */
export async function receiveHello(frames: ControlStream, wait: HandshakeWait = {}): Promise<HelloMessage> {
  try {
    return await awaitHello(frames, wait)
  } catch (error) {
    if (wait.signal?.aborted) throw error
    const code = error instanceof TunnelError ? error.code : undefined
    // A peer that has sent REJECT or CLOSE gets no answer.
    if (code === 'ERR_PEER_REJECTED' || code === 'ERR_PEER_CLOSED') frames.end()
    else
      rejectPeer(
        frames,
        code === 'ERR_VERSION_UNSUPPORTED' ? 'version' : 'bad-hello',
        (error as Error).message,
      )
    throw error
  }
}

async function awaitHello(frames: ControlStream, wait: HandshakeWait): Promise<HelloMessage> {
  const message = await nextControlWithin(frames, wait, 'HELLO')
  if (message.type === 'HELLO') return message
  if (message.type === 'REJECT') {
    throw new TunnelError('ERR_PEER_REJECTED', `the shoot side refused: ${message.code}, ${message.reason}`)
  }
  if (message.type === 'CLOSE') {
    throw new TunnelError('ERR_PEER_CLOSED', `the shoot side closed: ${message.code}, ${message.reason}`)
  }
  throw unexpected(message, 'HELLO')
}

/**
 * The shoot side's part: sends HELLO and waits for the answer. A seed side that breaks the protocol is told
 * so, and the connection ended.
 * @throws RejectedError when it is REJECT; TunnelError ERR_HANDSHAKE_TIMEOUT, ERR_FRAME_UNEXPECTED,
 *   ERR_CONTROL_INVALID, ERR_PEER_CLOSED
 */
export async function sendHello(
  frames: ControlStream,
  hello: HelloMessage,
  wait: HandshakeWait = {},
): Promise<WelcomeMessage> {
  frames.sendControl(hello)
  try {
    return await awaitWelcome(frames, wait)
  } catch (error) {
    if (error instanceof TunnelError && error.closeCode !== undefined) {
      frames.sendControl({ type: 'CLOSE', code: error.closeCode, reason: error.message })
      frames.end()
    }
    throw error
  }
}

async function awaitWelcome(frames: ControlStream, wait: HandshakeWait): Promise<WelcomeMessage> {
  const message = await nextControlWithin(frames, wait, 'WELCOME')
  if (message.type === 'WELCOME') return message
  if (message.type === 'REJECT') throw new RejectedError(message.code, message.reason)
  throw unexpected(message, 'WELCOME')
}

/** Refuses the peer: one REJECT, then the end. */
export function rejectPeer(frames: ControlStream, code: RejectCode, reason: string): void {
  frames.sendControl({ type: 'REJECT', code, reason })
  frames.end()
}

function nextControlWithin(
  frames: ControlStream,
  { timeoutMs = HANDSHAKE_TIMEOUT_MS, signal = new AbortController().signal }: HandshakeWait,
  awaited: string,
): Promise<ControlMessage> {
  const error = () => new TunnelError('ERR_HANDSHAKE_TIMEOUT', `no ${awaited} within ${timeoutMs} ms`)
  return withDeadline(signal, { ms: timeoutMs, error }, (either) => frames.nextControl(either))
}

function unexpected(message: ControlMessage, awaited: string): TunnelError {
  const text = `${message.type} where ${awaited} was awaited`
  return new TunnelError('ERR_FRAME_UNEXPECTED', text, { closeCode: 'unexpected-frame' })
}
