import { encodeProxyHeader } from '@reversed-vpn/daemon'
import { MAX_PROXY_HEADER_BYTES, parseProxyHeader } from '@reversed-vpn/daemon/testing'
import t from 'tap'

const V2 = '0d0a0d0a 000d0a51 5549540a'

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex')
}

const IPV4 = {
  source: { address: '192.0.2.1', port: 56_324 },
  destination: { address: '198.51.100.2', port: 443 },
}
const IPV6 = {
  source: { address: '2001:db8::1', port: 56_324 },
  destination: { address: '2001:db8::2', port: 443 },
}

const GOOD: Readonly<Record<string, readonly [header: object, encoded: Buffer]>> = {
  'version 1 over IPv4': [IPV4, Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n')],
  'version 1 over IPv6': [IPV6, Buffer.from('PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n')],
  'version 1 of an unknown connection': [{}, Buffer.from('PROXY UNKNOWN ffff:f... anything\r\n')],
  'version 2 over IPv4': [IPV4, bytes(`${V2} 21 11 000c c0000201 c6336402 dc04 01bb`)],
  'version 2 over IPv6': [
    IPV6,
    bytes(`${V2} 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb`),
  ],
  'version 2 with extensions': [IPV4, bytes(`${V2} 21 11 0011 c0000201 c6336402 dc04 01bb 04 0002 0000`)],
  'version 2 of a health check': [{}, bytes(`${V2} 20 00 0000`)],
  'version 2 of a Unix socket': [{}, bytes(`${V2} 21 31 00d8 ${'00'.repeat(216)}`)],
}

for (const [what, [header, encoded]] of Object.entries(GOOD)) {
  t.test(`reads ${what}, and leaves what follows`, async (t) => {
    t.same(parseProxyHeader(Buffer.concat([encoded, Buffer.from('next')])), {
      header,
      headerBytes: encoded.length,
    })
  })

  t.test(`waits for the last byte of ${what}`, async (t) => {
    for (let length = 0; length < encoded.length; length++) {
      t.equal(parseProxyHeader(encoded.subarray(0, length)), undefined)
    }
  })
}

const BAD: Readonly<Record<string, readonly [bytes: Buffer, code: 'MISSING' | 'MALFORMED']>> = {
  'a ClientHello': [bytes('16030100'), 'MISSING'],
  'an HTTP request': [Buffer.from('CONNECT a:1 HTTP/1.1\r\n'), 'MISSING'],
  'version 1 without end': [Buffer.from(`PROXY TCP4 ${'1'.repeat(96)}`), 'MALFORMED'],
  'version 1 with a name': [Buffer.from('PROXY TCP4 localhost 192.0.2.1 1 2\r\n'), 'MALFORMED'],
  'version 1 with the other family': [Buffer.from('PROXY TCP4 ::1 ::2 1 2\r\n'), 'MALFORMED'],
  'version 1 with a zone': [Buffer.from('PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n'), 'MALFORMED'],
  'version 1 with a port out of range': [
    Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n'),
    'MALFORMED',
  ],
  'version 1 with a port of leading zeros': [
    Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n'),
    'MALFORMED',
  ],
  'version 1 with a word too many': [Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n'), 'MALFORMED'],
  'version 1 over UDP': [Buffer.from('PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n'), 'MALFORMED'],
  'version 3': [bytes(`${V2} 31 11 000c`), 'MALFORMED'],
  'an unknown command': [bytes(`${V2} 22 11 000c`), 'MALFORMED'],
  'a length beyond the limit': [bytes(`${V2} 21 11 0801`), 'MALFORMED'],
  'too few bytes for two addresses': [bytes(`${V2} 21 11 000b ${'00'.repeat(11)}`), 'MALFORMED'],
}

for (const [what, [given, code]] of Object.entries(BAD)) {
  t.test(`refuses ${what}`, async (t) => {
    t.throws(() => parseProxyHeader(given), { name: 'ProxyHeaderError', code: `ERR_PROXY_HEADER_${code}` })
  })
}

t.test('has made up its mind once the longest header is there', async (t) => {
  const longest = Buffer.concat([bytes(`${V2} 21 11 0800`), Buffer.alloc(2048)])
  t.equal(longest.length, MAX_PROXY_HEADER_BYTES)
  t.equal(parseProxyHeader(longest)?.headerBytes, MAX_PROXY_HEADER_BYTES)
})

t.test('writes what it reads', async (t) => {
  for (const version of ['v1', 'v2'] as const) {
    for (const header of [IPV4, IPV6, {}]) {
      t.same(parseProxyHeader(encodeProxyHeader(version, header))?.header, header)
    }
  }
  t.same(encodeProxyHeader('v2', IPV4), GOOD['version 2 over IPv4']?.[1])
  t.same(encodeProxyHeader('v2', IPV6), GOOD['version 2 over IPv6']?.[1])
})

t.test('writes ends of two families as IPv6', async (t) => {
  const mixed = { source: IPV4.source, destination: IPV6.destination }
  t.match(parseProxyHeader(encodeProxyHeader('v1', mixed))?.header.source?.address, '::ffff:192.0.2.1')
  t.match(parseProxyHeader(encodeProxyHeader('v2', mixed))?.header.source?.address, /^::ffff:/)
})
