import type { Duplex } from 'node:stream'
import {
  type CloseCode,
  type ControlMessage,
  decodeControl,
  encodeControl,
  FRAME_TYPE,
  FrameDecoder,
  type FrameView,
  isStreamFrame,
  TunnelError,
} from '@reversed-vpn/protocol'
import { untilSettled } from '@reversed-vpn/relay'
import { CLOSE_GRACE_MS, CONTROL_BACKLOG_BYTES, HANDSHAKE_INBOX_MESSAGES } from './limits.js'
import { takeChunks } from './socket-push-patch.js'

const ENDED_EARLY = 'the connection ended without CLOSE'

/** Takes what a {@link FrameStream} brings, in order. */
export interface FrameStreamHandler {
  onControl(message: ControlMessage): void
  /** A DATA frame. `view` is valid until the handler returns. */
  onData(view: FrameView): void
  /** A frame of types 64 to 72. `view` is valid until the handler returns. */
  onStreamFrame(view: FrameView): void
  /** All frames of one chunk of the stream have been handed over: the moment to write them on. */
  onChunkEnd(chunkBytes: number): void
  /**
   * The stream is gone. `error` is absent when this side cut it without a reason; a peer that ends it and has not said CLOSE
   * is one. Called once, and nothing after it.
   */
  onClose(error?: Error): void
}

/**
 * Frames over a byte stream. Until a handler is set, control messages wait in a short inbox (a handshake
 * reads them with {@link FrameStream.nextControl}) and DATA is refused.
 */
export class FrameStream {
  readonly stream: Duplex
  /** When the last byte came, in milliseconds of `performance.now()`. Any byte shows that the peer lives. */
  lastByteAtMs: number = performance.now()
  /** Control messages that were sent, each as a write of its own. */
  controlsSent = 0
  /** Whether a frame of types 64 to 72 came before there was a handler, and was skipped. */
  hasSkippedStreamFrames = false

  readonly #decoder: FrameDecoder
  readonly #inbox: ControlMessage[] = []
  #waiter: ((error: Error | undefined) => void) | undefined
  #handler: FrameStreamHandler | undefined
  #closed = false
  #error: Error | undefined

  constructor(stream: Duplex) {
    this.stream = stream
    this.#decoder = new FrameDecoder({ onFrame: (view) => this.#onFrame(view) })
    takeChunks(stream, (chunk) => this.#onChunk(chunk))
    stream.on('error', (error) => this.#onClose(error))
    // Whoever got CLOSE has closed by then. The kernel may end a dead connection so too: a write has taken its error away.
    const onEnd = () => this.#onClose(new TunnelError('ERR_PEER_CLOSED', ENDED_EARLY))
    stream.on('end', onEnd)
    stream.on('close', onEnd)
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /**
   * Sends a control message behind everything written before it.
   * @returns false if it was left out: the stream is closing, or the peer does not read and too much waits
   */
  sendControl(message: ControlMessage): boolean {
    if (!this.stream.writable || this.stream.writableLength > CONTROL_BACKLOG_BYTES) return false
    this.stream.write(encodeControl(message))
    this.controlsSent++
    return true
  }

  /**
   * The next control message, in order of arrival. One caller at a time, before a handler is set.
   * @throws TunnelError ERR_PEER_CLOSED when the peer leaves first; the signal's reason when it fires first
   */
  async nextControl(signal: AbortSignal): Promise<ControlMessage> {
    signal.throwIfAborted()
    if (this.#inbox.length === 0 && !this.#closed) await this.#waitForControl(signal)
    const message = this.#inbox.shift()
    if (message !== undefined) return message
    throw this.#error ?? new TunnelError('ERR_PEER_CLOSED', 'the connection was cut during the handshake')
  }

  /** From here on `handler` gets everything, first of all the control messages that waited. */
  setHandler(handler: FrameStreamHandler): void {
    this.#handler = handler
    try {
      for (const message of this.#inbox.splice(0)) handler.onControl(message)
    } catch (error) {
      this.#fail(error as Error)
    }
    if (!this.#closed) return
    handler.onClose(this.#error)
    this.#sayWhy(this.#error)
  }

  /** Sends what was written, then ends. The peer has `CLOSE_GRACE_MS` to read it. Idempotent. */
  end(): void {
    if (this.stream.destroyed || this.stream.writableEnded) return
    this.stream.end()
    const timer = setTimeout(() => this.stream.destroy(), CLOSE_GRACE_MS)
    this.stream.once('close', () => clearTimeout(timer))
  }

  /** Whether {@link end} was called: what was written may still leave. */
  get isEnding(): boolean {
    return this.stream.writableEnded
  }

  /** Cuts the connection. Unsent data is lost. */
  abort(error?: Error): void {
    this.#onClose(error)
    this.stream.destroy()
  }

  /** Ends the connection for that reason. The peer is told. */
  fail(error: Error, code: CloseCode | undefined = closeCodeOf(error)): void {
    this.#onClose(error)
    this.#sayWhy(error, code)
  }

  #waitForControl(signal: AbortSignal): Promise<void> {
    return untilSettled(signal, (resolve, reject) => {
      this.#waiter = (error) => (error === undefined ? resolve() : reject(error))
      return () => {
        this.#waiter = undefined
      }
    })
  }

  #onChunk(chunk: Buffer): void {
    if (this.#closed) return
    this.lastByteAtMs = performance.now()
    try {
      this.#decoder.push(chunk)
      this.#handler?.onChunkEnd(chunk.length)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** Once there is a handler, tells a peer that broke the protocol so; before, the handshake does. */
  #fail(error: Error): void {
    if (this.#handler === undefined) this.#onClose(error)
    else this.fail(error)
  }

  #sayWhy(error: Error | undefined, code = closeCodeOf(error)): void {
    if (error !== undefined && code !== undefined)
      this.sendControl({ type: 'CLOSE', code, reason: error.message })
    this.end()
  }

  #onFrame(view: FrameView): void {
    if (this.#closed) return
    if (view.type === FRAME_TYPE.DATA) {
      if (this.#handler === undefined) {
        throw new TunnelError('ERR_FRAME_UNEXPECTED', 'DATA frame before WELCOME', {
          closeCode: 'unexpected-frame',
        })
      }
      this.#handler.onData(view)
      return
    }
    if (isStreamFrame(view.type)) {
      if (this.#handler === undefined) this.hasSkippedStreamFrames = true
      else this.#handler.onStreamFrame(view)
      return
    }
    const message = decodeControl(view.type, view.copyPayload())
    if (this.#handler !== undefined) this.#handler.onControl(message)
    else this.#receiveEarly(message)
  }

  #receiveEarly(message: ControlMessage): void {
    if (this.#inbox.length >= HANDSHAKE_INBOX_MESSAGES) {
      const text = `more than ${HANDSHAKE_INBOX_MESSAGES} control messages during the handshake`
      throw new TunnelError('ERR_FRAME_UNEXPECTED', text, { closeCode: 'unexpected-frame' })
    }
    this.#inbox.push(message)
    this.#waiter?.(undefined)
  }

  #onClose(error?: Error): void {
    if (this.#closed) return
    this.#closed = true
    this.#error = error
    this.#waiter?.(error)
    this.#handler?.onClose(error)
  }
}

function closeCodeOf(error: Error | undefined): CloseCode | undefined {
  return error instanceof TunnelError ? error.closeCode : 'internal'
}
