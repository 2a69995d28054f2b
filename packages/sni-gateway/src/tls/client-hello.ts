import { isHostName } from '@reversed-vpn/daemon'

/** What routing needs of a ClientHello. Nothing in it is proven. */
export interface ClientHello {
  /** As sent, any case; undefined without the extension (RFC 6066 §3). */
  readonly serverName: string | undefined
  /** Protocols offered (RFC 7301 §3.1), most wanted first. */
  readonly alpn: readonly string[]
}

/** Not a ClientHello by its lengths or contents. */
export class ClientHelloError extends Error {
  readonly reason: 'not-tls' | 'hello-malformed' | 'hello-too-long'

  constructor(reason: ClientHelloError['reason'], message: string) {
    super(message)
    this.name = 'ClientHelloError'
    this.reason = reason
  }
}

const EXTENSION = { serverName: 0, alpn: 16 } as const
const HOST_NAME = 0
const RANDOM_BYTES = 32
const MAX_SESSION_ID_BYTES = 32

/**
 * Reads the body of a ClientHello (RFC 8446 §4.1.2), behind the handshake header.
 *
 * @throws ClientHelloError
 */
export function parseClientHello(body: Buffer): ClientHello {
  const hello = new Fields(body)
  hello.skip(2 + RANDOM_BYTES)
  if (hello.vector(1).length > MAX_SESSION_ID_BYTES) throw malformed('session id longer than 32 B')
  const suites = hello.vector(2).length
  if (suites < 2 || suites % 2 !== 0) throw malformed(`${suites} B of cipher suites`)
  if (hello.vector(1).length === 0) throw malformed('no compression method')
  // Before TLS 1.3 a ClientHello may end here.
  const extensions = new Fields(hello.isAtEnd ? Buffer.alloc(0) : hello.vector(2))
  if (!hello.isAtEnd) throw malformed('bytes behind the extensions')
  const seen = new Set<number>()
  let serverName: string | undefined
  let alpn: string[] = []
  while (!extensions.isAtEnd) {
    const type = extensions.uint16()
    const content = extensions.vector(2)
    if (seen.has(type)) throw malformed(`extension ${type} twice`)
    seen.add(type)
    if (type === EXTENSION.serverName) serverName = readServerName(content)
    else if (type === EXTENSION.alpn) alpn = readProtocols(content)
  }
  return { serverName, alpn }
}

function readServerName(content: Buffer): string {
  const extension = new Fields(content)
  const list = new Fields(extension.vector(2))
  if (!extension.isAtEnd) throw malformed('bytes behind the server names')
  const type = list.uint8()
  const name = list.vector(2).toString('latin1')
  // The list may hold one name of each type, and there is but one type.
  if (type !== HOST_NAME || !list.isAtEnd) throw malformed('not one host name as server name')
  if (!isHostName(name) || name.endsWith('.')) throw malformed('a server name that is no DNS name')
  return name
}

function readProtocols(content: Buffer): string[] {
  const extension = new Fields(content)
  const list = new Fields(extension.vector(2))
  if (!extension.isAtEnd) throw malformed('bytes behind the protocols')
  const protocols: string[] = []
  while (!list.isAtEnd) {
    const protocol = list.vector(1).toString('latin1')
    if (protocol === '') throw malformed('an empty protocol')
    protocols.push(protocol)
  }
  if (protocols.length === 0) throw malformed('no protocol')
  return protocols
}

/** Reads fields one after the other; each length is held against what is there. */
class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  skip(count: number): void {
    this.#take(count)
  }

  uint8(): number {
    return this.#take(1).readUInt8()
  }

  uint16(): number {
    return this.#take(2).readUInt16BE()
  }

  /** A field with its length in `lengthBytes` bytes before it. */
  vector(lengthBytes: 1 | 2): Buffer {
    return this.#take(lengthBytes === 1 ? this.uint8() : this.uint16())
  }

  #take(count: number): Buffer {
    const leftBytes = this.#bytes.length - this.#at
    if (count > leftBytes) throw malformed(`a field of ${count} B where ${leftBytes} B are left`)
    this.#at += count
    return this.#bytes.subarray(this.#at - count, this.#at)
  }
}

function malformed(problem: string): ClientHelloError {
  return new ClientHelloError('hello-malformed', `ClientHello: ${problem}`)
}
