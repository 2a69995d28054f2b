import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { MAX_WEB_SOCKET_MESSAGE_BYTES, WebSocketListener, type WebSocketStream } from '@reversed-vpn/session'
import t, { type Test } from 'tap'
import { WebSocket } from 'ws'
import { webSocketPair } from './fixtures.js'

/** A listener whose streams are collected, and the URL of it. */
async function startListener(t: Test) {
  const streams: WebSocketStream[] = []
  const listener = new WebSocketListener({ onStream: (stream) => streams.push(stream as WebSocketStream) })
  listener.server.listen(0, '127.0.0.1')
  await once(listener.server, 'listening')
  t.teardown(() => {
    for (const stream of streams) stream.destroy()
    listener.close()
  })
  return { streams, url: `ws://127.0.0.1:${(listener.server.address() as AddressInfo).port}` }
}

/** What a connection that says `text` is answered, until it is closed. */
async function answerTo(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write(text, 'latin1')
  let answer = ''
  socket.on('data', (data) => (answer += String(data)))
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

t.test('who does not read makes the writer wait, and then gets all of it', async (t) => {
  await using streams = await webSocketPair()
  const chunk = Buffer.alloc(65_536, 'x')
  let written = 0
  streams.far.pause()
  while (streams.near.write(chunk)) written++
  written++
  for (; written < 400; written++) streams.near.write(chunk)
  streams.near.end()
  t.ok(streams.near.writableLength > 1_000_000, 'what is not taken waits at the writer')
  let received = 0
  streams.far.on('data', (data: Buffer) => {
    received += data.length
  })
  streams.far.resume()
  await once(streams.far, 'end')
  t.equal(received, written * chunk.length)
})

t.test('an end that breaks is an end for the other', async (t) => {
  await using streams = await webSocketPair()
  const closed = once(streams.far, 'close')
  streams.far.resume()
  streams.near.destroy()
  await closed
  t.ok(streams.far.destroyed)
})

t.test('text, and messages beyond the limit, end the stream', async (t) => {
  const { streams, url } = await startListener(t)
  for (const message of ['text', Buffer.alloc(MAX_WEB_SOCKET_MESSAGE_BYTES + 1)]) {
    const before = streams.length
    const client = new WebSocket(`${url}/`)
    client.on('error', () => {})
    await once(client, 'open')
    const [stream] = streams.slice(before)
    t.ok(stream)
    const failed = once(stream ?? client, 'error')
    stream?.resume()
    client.send(message)
    const [error] = (await failed) as [Error]
    t.match(error.message, typeof message === 'string' ? 'text message' : 'Max payload size exceeded')
    client.terminate()
  }
})

t.test('only upgrades on the path / are taken', async (t) => {
  const { streams, url } = await startListener(t)
  const client = new WebSocket(`${url}/elsewhere`)
  const [error] = (await once(client, 'error')) as [Error]
  t.match(error.message, '404')
  t.equal((await fetch(url.replace('ws:', 'http:'))).status, 426)
  t.equal((await fetch(`${url.replace('ws:', 'http:')}/elsewhere`)).status, 404)
  t.match(await answerTo(url, '\x16\x03\x01'), /^HTTP\/1\.1 400 /)
  t.match(await answerTo(url, `GET / HTTP/1.1\r\nX: ${'x'.repeat(9000)}`), /^HTTP\/1\.1 431 /)
  const upgrade =
    'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  const hasty = `GET / HTTP/1.1\r\nHost: x\r\n${upgrade}\r\n\r\nframe`
  t.match(await answerTo(url, hasty), /^HTTP\/1\.1 400 /, 'who does not wait for the answer')
  const pipelined = await answerTo(url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(1000))
  t.equal(pipelined.split('HTTP/1.1 426').length - 1, 1, 'the first request is the only one')
  t.equal(streams.length, 0)
})

t.test('pings are answered, but not ahead of a client that reads nothing', async (t) => {
  const { streams, url } = await startListener(t)
  const client = new WebSocket(`${url}/`)
  t.teardown(() => client.terminate())
  await once(client, 'open')
  streams[0]?.resume()
  client.ping('a')
  t.equal(String((await once(client, 'pong'))[0]), 'a')
})

t.test('a message in too many fragments ends the stream', async (t) => {
  const { streams, url } = await startListener(t)
  const client = new WebSocket(`${url}/`)
  client.on('error', () => {})
  await once(client, 'open')
  const [stream] = streams
  if (stream === undefined) return t.fail('no stream')
  const failed = once(stream, 'error')
  stream.resume()
  for (let fragment = 0; fragment <= 512; fragment++) client.send('x', { binary: true, fin: false })
  const [error] = (await failed) as [Error]
  t.match(error.message, 'Too many message fragments')
})
