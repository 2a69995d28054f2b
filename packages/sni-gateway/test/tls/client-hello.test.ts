import { ClientHelloError, ClientHelloReader } from '@reversed-vpn/sni-gateway/testing'
import fc from 'fast-check'
import t from 'tap'
import { clientHello } from '../support/hello.js'

// The same cases every time, or a test would fail for whoever comes by; another seed explores others.
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) })

const MAX_BYTES = 16_384
const HELLO = await clientHello({ servername: 'API.one.example', ALPNProtocols: ['reversed-vpn/1', 'h2'] })
const EXPECTED = { serverName: 'API.one.example', alpn: ['reversed-vpn/1', 'h2'] }

/** Cuts one record into many, as TLS allows. */
function inRecordsOf(bytes: number, hello: Buffer): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0; at < message.length; at += bytes) {
    const content = message.subarray(at, at + bytes)
    const header = Buffer.from(hello.subarray(0, 5))
    header.writeUInt16BE(content.length, 3)
    records.push(header, content)
  }
  return Buffer.concat(records)
}

/** HELLO with an extension put before the others, all lengths made right. */
function withExtension(type: number, content: Buffer): Buffer {
  const extension = Buffer.alloc(4)
  extension.writeUInt16BE(type, 0)
  extension.writeUInt16BE(content.length, 2)
  const at = extensionsAt()
  const added = Buffer.concat([HELLO.subarray(0, at + 2), extension, content, HELLO.subarray(at + 2)])
  const more = 4 + content.length
  added.writeUInt16BE(HELLO.readUInt16BE(at) + more, at)
  added.writeUInt16BE(HELLO.readUInt16BE(3) + more, 3)
  added.writeUIntBE(HELLO.readUIntBE(6, 3) + more, 6, 3)
  return added
}

function extensionsAt(): number {
  let at = 5 + 4 + 2 + 32
  at += 1 + HELLO.readUInt8(at)
  at += 2 + HELLO.readUInt16BE(at)
  return at + 1 + HELLO.readUInt8(at)
}

t.test('reads server name and protocols of a ClientHello that comes in one piece', async (t) => {
  const reader = new ClientHelloReader(MAX_BYTES)
  t.same(reader.push(HELLO), EXPECTED)
  t.same(reader.bytes, HELLO)
})

t.test('one byte at a time', async (t) => {
  const reader = new ClientHelloReader(MAX_BYTES)
  for (const byte of HELLO.subarray(0, -1)) t.equal(reader.push(Buffer.from([byte])), undefined)
  t.same(reader.push(HELLO.subarray(-1)), EXPECTED)
})

t.test('in records of one byte and of a hundred', async (t) => {
  for (const bytes of [1, 100])
    t.same(new ClientHelloReader(MAX_BYTES).push(inRecordsOf(bytes, HELLO)), EXPECTED)
})

t.test('with what is sent right behind it', async (t) => {
  const reader = new ClientHelloReader(MAX_BYTES)
  const all = Buffer.concat([HELLO, Buffer.from('early data')])
  t.same(reader.push(all), EXPECTED)
  t.same(reader.bytes, all)
})

t.test('without server name and protocols', async (t) => {
  t.same(new ClientHelloReader(MAX_BYTES).push(await clientHello()), { serverName: undefined, alpn: [] })
})

const BAD: Readonly<Record<string, readonly [bytes: Buffer, reason: ClientHelloError['reason']]>> = {
  'an HTTP request': [Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'not-tls'],
  'an alert': [Buffer.from('15030300020250', 'hex'), 'not-tls'],
  'SSL 2': [Buffer.from('802e0100020015', 'hex'), 'not-tls'],
  'an empty record': [Buffer.from('1603010000', 'hex'), 'not-tls'],
  'a record longer than records are': [Buffer.from('1603014001', 'hex'), 'not-tls'],
  'another handshake message': [Buffer.from('160301000402000000', 'hex'), 'not-tls'],
  'a message longer than the limit': [Buffer.from('160301000401004001', 'hex'), 'hello-too-long'],
  'a body too short for its fields': [Buffer.from('16030100080100000403030000', 'hex'), 'hello-malformed'],
  'a server name twice': [
    withExtension(0, Buffer.from('0004000001 61'.replace(' ', ''), 'hex')),
    'hello-malformed',
  ],
  'an empty list of protocols': [
    withExtension(17, Buffer.alloc(0)).fill(0xff, extensionsAt() + 4, extensionsAt() + 6),
    'hello-malformed',
  ],
}

for (const [what, [bytes, reason]] of Object.entries(BAD)) {
  t.test(`refuses ${what}`, async (t) => {
    t.throws(() => new ClientHelloReader(MAX_BYTES).push(bytes), { name: 'ClientHelloError', reason })
  })
}

for (const name of ['', 'a b', 'one.example.', '192.0.2.1', 'a\0b', `${'a'.repeat(64)}.example`, '../etc']) {
  t.test(`refuses ${JSON.stringify(name)} as server name`, async (t) => {
    const hello = await clientHello({ servername: 'x'.repeat(name.length || 1) })
    const text = Buffer.from('x'.repeat(name.length || 1))
    const at = hello.indexOf(Buffer.concat([Buffer.from([0, 0, text.length]), text])) + 3
    const changed = Buffer.from(hello)
    if (name === '') changed.write(' ', at)
    else changed.write(name, at, 'latin1')
    t.throws(() => new ClientHelloReader(MAX_BYTES).push(changed), {
      name: 'ClientHelloError',
      reason: 'hello-malformed',
    })
  })
}

t.test('stops at the limit, however slowly it is reached', async (t) => {
  const reader = new ClientHelloReader(HELLO.length - 1)
  t.equal(reader.push(HELLO.subarray(0, 10)), undefined)
  t.throws(() => reader.push(HELLO.subarray(10, -1)), { name: 'ClientHelloError', reason: 'hello-too-long' })
})

t.test(
  'whatever changes in it, it is read or refused with a reason, and never read beyond the limit',
  async () => {
    const changes = fc.array(fc.tuple(fc.nat({ max: HELLO.length - 1 }), fc.nat({ max: 255 })), {
      maxLength: 5,
    })
    fc.assert(
      fc.property(changes, fc.nat({ max: HELLO.length }), (edits, length) => {
        const bytes = Buffer.from(HELLO)
        for (const [at, value] of edits) bytes[at] = value
        try {
          new ClientHelloReader(MAX_BYTES).push(bytes.subarray(0, length))
          return true
        } catch (error) {
          return error instanceof ClientHelloError
        }
      }),
      { numRuns: 3000 },
    )
  },
)
