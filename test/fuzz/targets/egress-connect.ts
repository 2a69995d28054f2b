import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { isIP, type Socket } from 'node:net'
import { EgressRefusal, parseConnectRequest, readConnect } from '@reversed-vpn/egress-proxy/testing'
import { RequestReader } from '@reversed-vpn/relay'
import { readChunked, writeChunked } from '../chunked-input.js'
import { FedSocket } from '../fed-socket.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { requestHeadOf } from '../request-head.js'

const MAX_HEADER_BYTES = 1024

type Outcome =
  | { readonly name: 'connect'; readonly request: IncomingMessage; readonly head: Buffer }
  | { readonly name: 'refused'; readonly refusal: EgressRefusal }
  | { readonly name: 'left' }

const reader = new RequestReader(MAX_HEADER_BYTES)

function serve(socket: FedSocket): Promise<Outcome> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve({ name: 'left' }))
    readConnect(reader, socket as unknown as Socket, {
      onConnect: (request, head) => resolve({ name: 'connect', request, head }),
      onRefused: (refusal) => resolve({ name: 'refused', refusal }),
    })
  })
}

async function fuzz(input: Buffer): Promise<void> {
  const { chunks, stream } = readChunked(input)
  const socket = new FedSocket(chunks)
  const outcome = await serve(socket)
  if (outcome.name === 'refused') {
    assert.ok(outcome.refusal instanceof EgressRefusal)
    assert.ok(['bad-request', 'method-not-allowed', 'header-too-large'].includes(outcome.refusal.reason))
  } else if (outcome.name === 'connect') {
    checkConnect(stream, outcome.request, outcome.head, socket)
  }
  socket.destroy()
}

function checkConnect(stream: Buffer, request: IncomingMessage, head: Buffer, socket: FedSocket): void {
  assert.equal(request.method, 'CONNECT')
  let target: ReturnType<typeof parseConnectRequest>
  try {
    target = parseConnectRequest(request)
  } catch (error) {
    assert.ok(error instanceof EgressRefusal, String(error))
    assert.equal(error.reason, 'bad-request')
    assert.doesNotMatch(error.detail, /[\r\n]/)
    return
  }
  const rest = Buffer.concat([head, ...remainderOf(socket)])
  const { lines, after } = requestHeadOf(stream)
  assert.ok(rest.equals(after), 'the tunnel would begin somewhere else than behind the first empty line')
  const fields = lines.slice(1).map((line) => line.toLowerCase())
  assert.equal(
    fields.find((field) => /^(content-length|transfer-encoding)[ \t]*:/.test(field)),
    undefined,
  )
  assert.ok(fields.filter((field) => field.startsWith('host:')).length <= 1)
  const [, authority = ''] = (lines[0] ?? '').split(/ +/)
  assert.ok(Number.isInteger(target.port) && target.port >= 1 && target.port <= 65_535)
  assert.equal(Number(authority.slice(authority.lastIndexOf(':') + 1)), target.port)
  if (target.kind === 'address') {
    assert.notEqual(isIP(target.host), 0)
    assert.ok(!isIpv4Mapped(target.host), `${target.host} is an IPv4 address in another guise`)
    const asked = authority.slice(0, authority.lastIndexOf(':'))
    if (isIP(target.host) === 6) {
      const dialled = new URL(`http://[${target.host}]/`).hostname
      assert.equal(dialled, new URL(`http://${asked}/`).hostname, 'another address than was asked for')
    }
    if (asked.startsWith('[') && isIP(target.host) === 4) {
      assert.ok(isIpv4Mapped(asked.slice(1, -1)), `${asked} names no IPv4 address`)
    }
    assert.equal(isIP(asked.replace(/^\[|\]$/g, '')) !== 0, true, `${asked} was no address`)
  } else {
    assert.equal(isIP(target.host), 0)
    assert.ok(target.host.length <= 254)
    assert.equal(
      new URL(`http://${target.host}/`).hostname,
      target.host,
      'a name that others read as something else',
    )
    assert.equal(authority.slice(0, authority.lastIndexOf(':')).toLowerCase(), target.host)
  }
}

/** By its eight groups (RFC 4291 §2.5.5.2): five zeros, then ffff. Many addresses begin like one in their short form. */
function isIpv4Mapped(address: string): boolean {
  if (isIP(address) !== 6) return false
  // Hexadecimal groups only, whatever the last 32 bits were written as.
  const [before = '', after] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'))
  const [head, tail] = [groupsOf(before), groupsOf(after ?? '')]
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail]
  return groups.slice(0, 5).every((group) => group === '0') && groups[5] === 'ffff'
}

/** What the parser has not taken. */
function remainderOf(socket: FedSocket): Buffer[] {
  const rest: Buffer[] = []
  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) rest.push(chunk)
  return rest
}

function seeds(): Record<string, Uint8Array> {
  const connect = (target: string, fields: readonly string[] = ['Host: 127.0.0.1'], version = '1.1') =>
    Buffer.from([`CONNECT ${target} HTTP/${version}`, ...fields, '', ''].join('\r\n'), 'latin1')
  const asApiServer = connect('10.0.0.5:443')
  return {
    'as-kube-apiserver': writeChunked(asApiServer),
    'followed-by-tls': writeChunked(Buffer.concat([asApiServer, Buffer.from('1603010200', 'hex')])),
    'byte-by-byte': writeChunked(asApiServer, [1]),
    ipv6: writeChunked(connect('[2001:db8::5]:8443')),
    'ipv4-mapped': writeChunked(connect('[::ffff:10.0.0.5]:443')),
    'not-quite-ipv4-mapped': writeChunked(connect('[::ffff:105:4.0.0.5]:443')),
    'ffff-in-the-next-group': writeChunked(connect('[::ffff:1055]:8443')),
    'ipv4-at-the-end': writeChunked(connect('[::10.0.0.5]:443')),
    zone: writeChunked(connect('[fe80::1%25eth0]:443')),
    name: writeChunked(connect('Kubernetes.default.svc.cluster.local.:443')),
    'number-as-name': writeChunked(connect('2130706433:443')),
    'hex-as-name': writeChunked(connect('0x7f.1:443')),
    'port-0': writeChunked(connect('10.0.0.5:0')),
    'port-65536': writeChunked(connect('10.0.0.5:65536')),
    'no-port': writeChunked(connect('10.0.0.5')),
    'http-1.0': writeChunked(connect('10.0.0.5:443', [], '1.0')),
    'no-host': writeChunked(connect('10.0.0.5:443', [])),
    'two-hosts': writeChunked(connect('10.0.0.5:443', ['Host: a', 'host: b'])),
    'content-length': writeChunked(connect('10.0.0.5:443', ['Host: a', 'Content-Length: 3'])),
    'transfer-encoding': writeChunked(connect('10.0.0.5:443', ['Host: a', 'Transfer-Encoding: chunked'])),
    'bare-line-feeds': writeChunked(Buffer.from('CONNECT 10.0.0.5:443 HTTP/1.1\nHost: a\n\n')),
    'folded-field': writeChunked(connect('10.0.0.5:443', ['Host: a', ' b'])),
    'space-before-colon': writeChunked(connect('10.0.0.5:443', ['Host: a', 'Content-Length : 3'])),
    'header-too-long': writeChunked(connect('10.0.0.5:443', ['Host: a', `X: ${'x'.repeat(1100)}`]), [200]),
    'another-method': writeChunked(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')),
    'expects-100': writeChunked(
      Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n'),
    ),
    upgrade: writeChunked(
      Buffer.from('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'),
    ),
    'http-2': writeChunked(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')),
    tls: writeChunked(Buffer.from('16030100a5010000a10303', 'hex')),
    unfinished: writeChunked(asApiServer.subarray(0, 20)),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
