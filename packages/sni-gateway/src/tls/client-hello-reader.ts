import { type ClientHello, ClientHelloError, parseClientHello } from './client-hello.js'

const RECORD_HEADER_BYTES = 5
const HANDSHAKE_HEADER_BYTES = 4
const MAX_RECORD_BYTES = 16_384
const HANDSHAKE_RECORD = 22
const CLIENT_HELLO = 1
const TLS_MAJOR_VERSION = 3

/**
 * Collects the beginning of a TLS connection until its ClientHello is whole, however the stream and the TLS records
 * (RFC 8446 §5.1) split it.
 */
export class ClientHelloReader {
  readonly #maxBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  /** Where the next unread record begins. */
  #recordAt = 0
  /** The part of the handshake message that was read so far. */
  #message: Buffer = Buffer.alloc(0)

  /** @param maxBytes the longest ClientHello, headers and all that came with it included */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** All that was pushed, to be passed on unchanged. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /**
   * @returns the ClientHello once it is whole
   * @throws ClientHelloError
   */
  push(chunk: Buffer): ClientHello | undefined {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    while (this.#takeRecord()) {
      const hello = this.#parseMessage()
      if (hello !== undefined) return hello
    }
    if (this.#bytes.length >= this.#maxBytes) {
      throw new ClientHelloError('hello-too-long', `no whole ClientHello within ${this.#maxBytes} B`)
    }
    return undefined
  }

  #takeRecord(): boolean {
    const record = this.#bytes.subarray(this.#recordAt)
    if (record.length > 0 && record[0] !== HANDSHAKE_RECORD) throw notTls(`a record of type ${record[0]}`)
    if (record.length > 1 && record[1] !== TLS_MAJOR_VERSION) throw notTls(`version ${record[1]}`)
    if (record.length < RECORD_HEADER_BYTES) return false
    const recordBytes = record.readUInt16BE(3)
    if (recordBytes === 0 || recordBytes > MAX_RECORD_BYTES) throw notTls(`a record of ${recordBytes} B`)
    if (record.length < RECORD_HEADER_BYTES + recordBytes) return false
    const content = record.subarray(RECORD_HEADER_BYTES, RECORD_HEADER_BYTES + recordBytes)
    this.#message = Buffer.concat([this.#message, content])
    this.#recordAt += RECORD_HEADER_BYTES + recordBytes
    return true
  }

  #parseMessage(): ClientHello | undefined {
    const message = this.#message
    if (message[0] !== CLIENT_HELLO) throw notTls(`a handshake message of type ${message[0]}`)
    if (message.length < HANDSHAKE_HEADER_BYTES) return undefined
    const bodyBytes = message.readUIntBE(1, 3)
    if (bodyBytes > this.#maxBytes) {
      throw new ClientHelloError(
        'hello-too-long',
        `a ClientHello of ${bodyBytes} B exceeds ${this.#maxBytes} B`,
      )
    }
    if (message.length < HANDSHAKE_HEADER_BYTES + bodyBytes) return undefined
    return parseClientHello(message.subarray(HANDSHAKE_HEADER_BYTES, HANDSHAKE_HEADER_BYTES + bodyBytes))
  }
}

function notTls(found: string): ClientHelloError {
  return new ClientHelloError('not-tls', `not the beginning of TLS: ${found}`)
}
