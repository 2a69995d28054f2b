import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

const HEADER_BYTES = 12
const TYPE_A = 1
/** Response, recursion desired and available; without error, or without such a name (RFC 1035 §4.1.1). */
const FOUND = 0x8180
const NO_SUCH_NAME = 0x8183
/** The name is the one at the question (RFC 1035 §4.1.4), type A, class IN, for a second, of four bytes. */
const ANSWER_HEAD = [0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4]

/** A name server (RFC 1035) that knows one name and its IPv4 address. */
export class NameServer implements AsyncDisposable {
  readonly #socket: Socket = createSocket('udp4')
  readonly #question: Buffer
  readonly #address: readonly number[]
  #isClosed = false

  static async open(host: string, name: string, address: string): Promise<NameServer> {
    const server = new NameServer(name, address)
    server.#socket.bind(0, host)
    await once(server.#socket, 'listening')
    return server
  }

  private constructor(name: string, address: string) {
    const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]))
    this.#question = Buffer.concat([...labels, Buffer.alloc(1)])
    this.#address = address.split('.').map(Number)
    this.#socket.on('message', (query, { address: host, port }) => {
      if (query.length > HEADER_BYTES) this.#socket.send(this.#answer(query), port, host)
    })
  }

  /** As name servers are given to a resolver. */
  get endpoint(): string {
    const { address, port } = this.#socket.address()
    return `${address}:${port}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }

  #answer(query: Buffer): Buffer {
    const nameEnd = HEADER_BYTES + query.subarray(HEADER_BYTES).indexOf(0) + 1
    const name = query.subarray(HEADER_BYTES, nameEnd).toString('latin1').toLowerCase()
    const isKnown = name === this.#question.toString('latin1')
    const hasAddress = isKnown && query.readUInt16BE(nameEnd) === TYPE_A
    const head = Buffer.alloc(HEADER_BYTES)
    query.copy(head, 0, 0, 2)
    head.writeUInt16BE(isKnown ? FOUND : NO_SUCH_NAME, 2)
    head.writeUInt16BE(1, 4)
    head.writeUInt16BE(hasAddress ? 1 : 0, 6)
    const answer = hasAddress ? [...ANSWER_HEAD, ...this.#address] : []
    return Buffer.concat([head, query.subarray(HEADER_BYTES, nameEnd + 4), Buffer.from(answer)])
  }
}
