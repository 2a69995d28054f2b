import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { Connection, ConnectServer, type Route, RouteTable } from '@reversed-vpn/sni-gateway/testing'
import { readChunked, writeChunked } from '../chunked-input.js'
import { FedSocket } from '../fed-socket.js'
import type { FuzzTarget } from '../fuzz-target.js'
import { requestHeadOf } from '../request-head.js'

const HEADERS = ['Reversed-VPN', 'X-Gardener-Destination']
const DESTINATIONS = [
  'outbound|1194||vpn-seed-server.shoot--a.svc.cluster.local',
  'outbound|1194||vpn-seed-server.shoot--b.svc.cluster.local',
]
const ROUTES: readonly Route[] = DESTINATIONS.map((destination, index) => ({
  name: `route-${index}`,
  serverNames: [],
  destinations: [destination],
  backend: { type: 'tcp', host: '192.0.2.9', port: 1194 },
}))
const table = new RouteTable(ROUTES)

interface PassedOn {
  readonly connection: Connection
  readonly route: Route
  readonly head: Buffer
}

let passOn: (passed: PassedOn) => void = () => {}
const server = new ConnectServer({
  routingHeaders: HEADERS,
  maxHeaderBytes: 1024,
  routes: { table },
  passOn: (connection, route, head) => passOn({ connection, route, head }),
})

async function fuzz(input: Buffer): Promise<void> {
  const { chunks, stream } = readChunked(input)
  const socket = new FedSocket(chunks)
  let passed: PassedOn | undefined
  let ends = 0
  const connection = new Connection('connect', socket as unknown as Socket, () => {
    ends++
  })
  const isDecided = new Promise<void>((resolve) => {
    passOn = (how) => {
      assert.equal(passed, undefined, 'passed on twice')
      passed = how
      resolve()
    }
    socket.once('finish', resolve)
    socket.once('close', resolve)
  })
  server.serve(connection)
  await isDecided
  if (passed !== undefined) {
    checkPassedOn(stream, passed, socket)
    assert.equal(ends, 0, 'passed on and refused')
  } else {
    checkAnswer(socket.answer.toString('latin1'))
  }
  if (!socket.destroyed) {
    socket.destroy()
    await once(socket, 'close')
  }
}

/** One routing header, its value in the table as it stands, and every byte behind the head passed on. */
function checkPassedOn(stream: Buffer, { connection, route, head }: PassedOn, socket: FedSocket): void {
  const { lines, after } = requestHeadOf(stream)
  assert.match(lines[0] ?? '', /^CONNECT /)
  const values = lines
    .slice(1)
    .map((line) => /^([^:]*):(.*)$/s.exec(line))
    .filter((field) => HEADERS.some((name) => name.toLowerCase() === field?.[1]?.toLowerCase()))
    .map((field) => field?.[2]?.trim())
  assert.equal(values.length, 1)
  assert.ok(route.destinations.includes(values[0] ?? ''), 'not the route that was asked for')
  assert.equal(connection.routingHeader, values[0])
  const rest: Buffer[] = [head]
  for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) rest.push(chunk)
  assert.ok(Buffer.concat(rest).equals(after), 'bytes are lost or made up behind the head')
  assert.equal(socket.answer.length, 0, 'the backend has not answered yet')
}

/** Nothing, or one whole answer that says nothing the client has put there beyond a place to go. */
function checkAnswer(answer: string): void {
  if (answer === '') return
  const [statusLine = '', ...fields] = answer.split('\r\n')
  assert.match(statusLine, /^HTTP\/1\.1 (308|400|404|431) [A-Za-z ]+$/)
  assert.deepEqual(fields.slice(-4), ['Connection: close', 'Content-Length: 0', '', ''])
  const others = fields.slice(0, -4)
  assert.equal(others.length, statusLine.startsWith('HTTP/1.1 308 ') ? 1 : 0, answer)
  for (const field of others) assert.match(field, /^Location: https:\/\/[!-~\x80-\xff]+$/)
}

function seeds(): Record<string, Uint8Array> {
  const request = (line: string, ...fields: readonly string[]) =>
    Buffer.from([line, ...fields, '', ''].join('\r\n'), 'latin1')
  const [a = '', b = ''] = DESTINATIONS
  const line = 'CONNECT vpn-seed-server:1194 HTTP/1.1'
  const good = request(line, 'Host: vpn-seed-server:1194', `Reversed-VPN: ${a}`)
  return {
    'as-gardener': writeChunked(good),
    'followed-by-tls': writeChunked(Buffer.concat([good, Buffer.from('1603010200', 'hex')])),
    'in-small-chunks': writeChunked(good, [7, 30]),
    'as-openvpn': writeChunked(request('CONNECT vpn-seed-server:1194 HTTP/1.0', `Reversed-VPN: ${b}`)),
    'newer-header': writeChunked(request(line, `X-Gardener-Destination: ${b}`)),
    'two-headers': writeChunked(request(line, `Reversed-VPN: ${a}`, `X-Gardener-Destination: ${b}`)),
    'header-twice': writeChunked(request(line, `Reversed-VPN: ${a}`, `reversed-vpn: ${b}`)),
    'two-values': writeChunked(request(line, `Reversed-VPN: ${a}, ${b}`)),
    'unknown-destination': writeChunked(request(line, 'Reversed-VPN: outbound|1194||other.svc')),
    'malformed-destination': writeChunked(request(line, 'Reversed-VPN: 10.0.0.1:22')),
    'empty-header': writeChunked(request(line, 'Reversed-VPN:')),
    'no-header': writeChunked(request(line, 'Host: api.example:8132')),
    'with-length': writeChunked(request(line, `Reversed-VPN: ${a}`, 'Content-Length: 5')),
    'a-page': writeChunked(request('GET /healthz?x=1 HTTP/1.1', 'Host: api.example:8132')),
    'a-page-of-an-address': writeChunked(request('GET / HTTP/1.1', 'Host: [2001:db8::1]:8132')),
    'strange-host': writeChunked(request('GET / HTTP/1.1', 'Host: a/b@c')),
    'absolute-form': writeChunked(request('GET http://a.example/b HTTP/1.1', 'Host: c.example')),
    'with-body': writeChunked(
      Buffer.concat([
        request('POST / HTTP/1.1', 'Host: a.example', 'Content-Length: 4'),
        Buffer.from('body'),
      ]),
    ),
    'one-after-the-other': writeChunked(Buffer.concat([request('GET / HTTP/1.1', 'Host: a.example'), good])),
    'header-too-long': writeChunked(request(line, `X: ${'x'.repeat(1100)}`), [250]),
    upgrade: writeChunked(request('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket')),
    tls: writeChunked(Buffer.from('16030100a5010000a10303', 'hex')),
    unfinished: writeChunked(good.subarray(0, 40)),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
