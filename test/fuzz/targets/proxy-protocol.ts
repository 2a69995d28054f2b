import assert from 'node:assert/strict'
import { isIP } from 'node:net'
import { encodeProxyHeader, PROXY_PROTOCOL_VERSIONS, ProxyHeaderError } from '@reversed-vpn/daemon'
import { MAX_PROXY_HEADER_BYTES, parseProxyHeader } from '@reversed-vpn/daemon/testing'
import type { FuzzTarget } from '../fuzz-target.js'

type Outcome = ReturnType<typeof parseProxyHeader> | string

function outcomeOf(bytes: Buffer): Outcome {
  try {
    return parseProxyHeader(bytes)
  } catch (error) {
    assert.ok(error instanceof ProxyHeaderError, String(error))
    return error.code
  }
}

/** All that came is looked at again whenever more came: what was said once must stay. */
function fuzz(input: Buffer): void {
  const whole = outcomeOf(input)
  // Every length near the beginning, where the header is, and some behind it.
  for (let end = 0; end < input.length; end += end < 160 ? 1 : 97) {
    const before = outcomeOf(input.subarray(0, end))
    if (before !== undefined)
      assert.deepEqual(before, whole, `told ${end} B, it says something else than in the end`)
    if (end >= MAX_PROXY_HEADER_BYTES) assert.notEqual(before, undefined, `undecided after ${end} B`)
  }
  if (typeof whole !== 'object') return
  const { header, headerBytes } = whole
  assert.ok(headerBytes > 0 && headerBytes <= input.length && headerBytes <= MAX_PROXY_HEADER_BYTES)
  assert.equal(header.source === undefined, header.destination === undefined)
  for (const end of [header.source, header.destination]) {
    if (end === undefined) continue
    assert.notEqual(isIP(end.address), 0, end.address)
    assert.doesNotMatch(end.address, /%/)
    assert.ok(Number.isInteger(end.port) && end.port >= 0 && end.port <= 65_535, String(end.port))
  }
  for (const version of PROXY_PROTOCOL_VERSIONS) {
    const written = encodeProxyHeader(version, header)
    const again = outcomeOf(written)
    assert.ok(typeof again === 'object', `what it says can't be passed on with ${version}: ${String(again)}`)
    assert.equal(again.headerBytes, written.length)
    assert.deepEqual(
      [isSame(again.header.source, header.source), again.header.source?.port],
      [true, header.source?.port],
    )
  }
}

/** The same address, though it be spelled another way. */
function isSame(
  a: { readonly address: string } | undefined,
  b: { readonly address: string } | undefined,
): boolean {
  return canonical(a?.address) === canonical(b?.address)
}

function canonical(address: string | undefined): string | undefined {
  if (address === undefined || isIP(address) === 4) return address
  return new URL(`http://[${address}]/`).hostname
}

function seeds(): Record<string, Uint8Array> {
  const ipv4 = {
    source: { address: '203.0.113.7', port: 40_000 },
    destination: { address: '192.0.2.1', port: 443 },
  }
  const ipv6 = {
    source: { address: '2001:db8::7', port: 1 },
    destination: { address: '2001:db8::1', port: 65_535 },
  }
  const mixed = { source: ipv4.source, destination: ipv6.destination }
  const v2 = encodeProxyHeader('v2', ipv4)
  const withExtension = Buffer.concat([v2, Buffer.from('04000300aabbcc', 'hex').subarray(0, 6)])
  withExtension.writeUInt16BE(18, 14)
  const tooLong = Buffer.from(v2)
  tooLong.writeUInt16BE(2049, 14)
  const unixFamily = Buffer.from(v2)
  unixFamily.writeUInt8(0x31, 13)
  const text = (line: string) => Buffer.from(`${line}\r\n`)
  return {
    'v1-ipv4': Buffer.concat([encodeProxyHeader('v1', ipv4), Buffer.from('GET / HTTP/1.1\r\n')]),
    'v1-ipv6': encodeProxyHeader('v1', ipv6),
    'v1-mixed': encodeProxyHeader('v1', mixed),
    'v1-unknown': encodeProxyHeader('v1', {}),
    'v1-unknown-and-more': text('PROXY UNKNOWN ffff:f:f ffff:f:f 65535 65535'),
    'v1-port-with-zero': text('PROXY TCP4 203.0.113.7 192.0.2.1 040 443'),
    'v1-zone': text('PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2'),
    'v1-too-long': Buffer.from(`PROXY TCP4 ${'1'.repeat(110)}`),
    'v2-ipv4': Buffer.concat([v2, Buffer.from('1603010200', 'hex')]),
    'v2-ipv6': encodeProxyHeader('v2', ipv6),
    'v2-mixed': encodeProxyHeader('v2', mixed),
    'v2-local': encodeProxyHeader('v2', {}),
    'v2-with-extension': withExtension,
    'v2-unix-family': unixFamily,
    'v2-too-long': tooLong,
    'v2-unfinished': v2.subarray(0, 20),
    'no-header': Buffer.from('1603010200010001fc0303', 'hex'),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
