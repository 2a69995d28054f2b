import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** Why there is no request: the client ended the connection before it was complete, or it cannot be read. */
export type RequestFlaw = 'left' | 'header-too-long' | 'malformed'

interface RequestEvents {
  /**
   * The head of a request is complete. The socket is the receiver's: paused, without listeners of the reader.
   * @param request for its head alone: it has no body and no socket
   * @param rest what was read behind the head
   */
  readonly onRequest: (request: IncomingMessage, rest: Buffer) => void
  /** There will be none. The socket is the receiver's as well, and still open unless the client broke it. */
  readonly onFlaw: (flaw: RequestFlaw, detail?: string) => void
}

/**
 * Reads the head of one HTTP/1 request from each connection and nothing behind it: what a client pipelines stays in the
 * kernel, where its connection fills up. Node's server is the parser, but it gets to see a stand-in for the socket, and on
 * that no byte behind the first empty line. How long a client may take is the caller's to bound.
 */
export class RequestReader {
  readonly #parser: Server

  /** @param maxHeaderBytes of request line and header fields */
  constructor(maxHeaderBytes: number) {
    // Without timers of its own: it never listens. A missing Host is the receiver's to judge.
    this.#parser = createServer({ maxHeaderSize: maxHeaderBytes, requireHostHeader: false })
    // One listener for each kind, or Node would answer by itself.
    for (const kind of ['request', 'connect', 'checkContinue', 'checkExpectation'] as const)
      this.#parser.on(kind, (request: IncomingMessage) => standInOf(request.socket).onHead?.(request))
    this.#parser.on('clientError', (error: NodeJS.ErrnoException, socket) =>
      standInOf(socket).onError?.(error),
    )
  }

  /** Reads from `socket`, which has to have a listener for its errors, until one of the events, or none if it is destroyed. */
  read(socket: Socket, events: RequestEvents): void {
    const standIn = new StandIn()
    const end = new HeadEnd()
    let isOver = false
    const finish = () => {
      if (isOver) return false
      isOver = true
      socket.off('data', onData).off('end', onEnd).off('close', finish)
      socket.pause()
      // Lets go of the parser.
      standIn.destroy()
      return true
    }
    const onFlaw = (flaw: RequestFlaw, detail?: string) => {
      if (finish()) events.onFlaw(flaw, detail)
    }
    const onEnd = () => onFlaw('left')
    const onData = (chunk: Buffer) => {
      const endsAt = end.find(chunk)
      const head = endsAt === undefined ? chunk : chunk.subarray(0, endsAt)
      standIn.onHead = (request) => {
        if (finish()) events.onRequest(request, chunk.subarray(head.length))
      }
      standIn.onError = ({ code }) =>
        onFlaw(code === 'HPE_HEADER_OVERFLOW' ? 'header-too-long' : 'malformed', code)
      standIn.emit('data', head)
      // What the parser takes for no end of a head, such as the first line of HTTP/2, cannot become one.
      if (endsAt !== undefined) onFlaw('malformed')
    }
    this.#parser.emit('connection', standIn)
    socket.on('data', onData).on('end', onEnd).on('close', finish)
    socket.resume()
  }
}

/** What Node's server takes for the client's socket. */
class StandIn extends Duplex {
  onHead: ((request: IncomingMessage) => void) | undefined
  onError: ((error: NodeJS.ErrnoException) => void) | undefined

  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, callback: () => void): void {
    callback()
  }
}

/** Node declares a socket, for whatever was emitted as `connection`. */
function standInOf(socket: Duplex): StandIn {
  return socket as StandIn
}

const LF = 10
const CR = 13

/**
 * Where a head ends: behind the first empty line that has a line before it. Any line ends in LF here, with CR or without, so
 * that no parser sees an end earlier.
 */
class HeadEnd {
  #hasLine = false
  #isLineEmpty = true

  /** @returns the index behind the end, if it is in this chunk. Chunks have to come in their order. */
  find(chunk: Buffer): number | undefined {
    let from = 0
    for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, from)) {
      this.#see(chunk, from, lf)
      from = lf + 1
      if (this.#isLineEmpty && this.#hasLine) return from
      this.#hasLine ||= !this.#isLineEmpty
      this.#isLineEmpty = true
    }
    this.#see(chunk, from, chunk.length)
    return undefined
  }

  #see(chunk: Buffer, from: number, to: number): void {
    this.#isLineEmpty &&= to - from <= 1 && (to === from || chunk[from] === CR)
  }
}
