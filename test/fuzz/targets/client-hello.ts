import assert from 'node:assert/strict'
import { type ClientHello, ClientHelloError, ClientHelloReader } from '@reversed-vpn/sni-gateway/testing'
import { readChunked, writeChunked } from '../chunked-input.js'
import type { FuzzTarget } from '../fuzz-target.js'

const MAX_BYTES = 2048

interface Outcome {
  readonly hello?: ClientHello
  readonly error?: ClientHelloError['reason']
}

function read(chunks: readonly Buffer[]): Outcome {
  const reader = new ClientHelloReader(MAX_BYTES)
  let pushed = Buffer.alloc(0)
  for (const chunk of chunks) {
    pushed = Buffer.concat([pushed, chunk])
    try {
      const hello = reader.push(chunk)
      assert.ok(reader.bytes.equals(pushed), 'what is passed on is not what came')
      if (hello !== undefined) return { hello }
      assert.ok(pushed.length < MAX_BYTES, `undecided after ${pushed.length} B`)
    } catch (error) {
      if (!(error instanceof ClientHelloError)) throw error
      return { error: error.reason }
    }
  }
  return {}
}

function fuzz(input: Buffer): void {
  const { stream, chunks } = readChunked(input)
  const outcome = read(chunks)
  // Longer ones are too long only where they are not whole at once.
  if (stream.length < MAX_BYTES)
    assert.deepEqual(read([stream]), outcome, 'it depends on where the stream is cut')
  const { serverName, alpn } = outcome.hello ?? {}
  if (serverName !== undefined) {
    assert.match(serverName, /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i)
    assert.ok(serverName.length <= 253)
    assert.ok(stream.includes(serverName, 0, 'latin1'))
    assert.doesNotMatch(serverName, /(^|\.)[0-9]+$/, 'an address is no server name')
  }
  for (const protocol of alpn ?? []) {
    assert.ok(protocol.length > 0 && protocol.length <= 255)
    assert.ok(stream.length >= MAX_BYTES || !isWholeIn(stream) || stream.includes(protocol, 0, 'latin1'))
  }
}

/** Whether one record has all there is, so that no header lies between two bytes of a field. */
function isWholeIn(stream: Buffer): boolean {
  return stream.length >= 9 && stream.readUInt16BE(3) === stream.readUIntBE(6, 3) + 4
}

interface SampleHello {
  readonly serverName?: string
  readonly alpn?: readonly string[]
  readonly more?: readonly Buffer[]
}

function vector(lengthBytes: 1 | 2, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const length = Buffer.alloc(lengthBytes)
  length.writeUIntBE(content.length, 0, lengthBytes)
  return Buffer.concat([length, content])
}

function extension(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([type >> 8, type & 0xff]), vector(2, content)])
}

function serverNameExtension(name: string): Buffer {
  return extension(0, vector(2, Buffer.from([0]), vector(2, Buffer.from(name, 'latin1'))))
}

/** The handshake message (RFC 8446 §4.1.2). */
function message({ serverName, alpn, more = [] }: SampleHello): Buffer {
  const extensions = [
    ...(serverName === undefined ? [] : [serverNameExtension(serverName)]),
    ...(alpn === undefined
      ? []
      : [extension(16, vector(2, ...alpn.map((each) => vector(1, Buffer.from(each)))))]),
    ...more,
  ]
  const body = Buffer.concat([
    Buffer.from('0303', 'hex'),
    Buffer.alloc(32, 7),
    vector(1, Buffer.alloc(32, 9)),
    vector(2, Buffer.from('13011302', 'hex')),
    vector(1, Buffer.from([0])),
    vector(2, ...extensions),
  ])
  const header = Buffer.from([1, 0, 0, 0])
  header.writeUIntBE(body.length, 1, 3)
  return Buffer.concat([header, body])
}

function record(content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('160301', 'hex'), vector(2, content)])
}

function seeds(): Record<string, Uint8Array> {
  const hello = message({ serverName: 'api.shoot.example', alpn: ['reversed-vpn/1', 'h2'] })
  const twice = [serverNameExtension('b.example')]
  return {
    whole: writeChunked(record(hello)),
    'followed-by-more': writeChunked(Buffer.concat([record(hello), Buffer.from('140303000101', 'hex')])),
    'in-small-chunks': writeChunked(record(hello), [1, 7, 30]),
    'in-many-records': writeChunked(
      Buffer.concat([hello.subarray(0, 2), hello.subarray(2, 60), hello.subarray(60)].map(record)),
      [5, 50],
    ),
    'without-extensions': writeChunked(record(message({}))),
    'only-alpn': writeChunked(record(message({ alpn: ['h2', 'http/1.1'] }))),
    'upper-case': writeChunked(record(message({ serverName: 'API.Example' }))),
    'address-as-name': writeChunked(record(message({ serverName: '10.0.0.1' }))),
    'name-with-dot': writeChunked(record(message({ serverName: 'a.example.' }))),
    'name-with-nul': writeChunked(record(message({ serverName: 'a\0.example' }))),
    'name-twice': writeChunked(record(message({ serverName: 'a.example', more: twice }))),
    'empty-protocol': writeChunked(record(message({ alpn: ['h2', ''] }))),
    'padded-beyond-the-limit': writeChunked(
      record(message({ more: [extension(21, Buffer.alloc(2100))] })),
      [200],
    ),
    'another-message': writeChunked(record(Buffer.from('020000020303', 'hex'))),
    'an-alert': writeChunked(Buffer.from('15030300020270', 'hex')),
    'an-empty-record': writeChunked(Buffer.concat([record(Buffer.alloc(0)), record(hello)])),
    'not-tls': writeChunked(Buffer.from('GET / HTTP/1.1\r\n\r\n'), [3]),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
