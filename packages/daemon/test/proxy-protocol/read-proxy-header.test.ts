import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { readProxyHeader } from '@reversed-vpn/daemon'
import t, { type Test } from 'tap'

const HEADER = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n'

async function openPair(t: Test): Promise<{ readonly near: Socket; readonly far: Socket }> {
  const server = createServer({ pauseOnConnect: true })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const far = connect((server.address() as AddressInfo).port, '127.0.0.1')
  far.setNoDelay(true)
  const [near] = (await once(server, 'connection')) as [Socket]
  t.teardown(async () => {
    near.destroy()
    far.destroy()
    server.close()
    await once(server, 'close')
  })
  return { near, far }
}

t.test('takes the header off and leaves the rest to the next reader', async (t) => {
  const { near, far } = await openPair(t)
  const reading = readProxyHeader(near, new AbortController().signal)
  far.write(`${HEADER}hello`)
  t.match(await reading, { source: { address: '192.0.2.1', port: 56_324 } })
  near.resume()
  const [chunk] = await once(near, 'data')
  t.equal(String(chunk), 'hello')
})

t.test('reads a header that comes a byte at a time', async (t) => {
  const { near, far } = await openPair(t)
  const reading = readProxyHeader(near, new AbortController().signal)
  for (const byte of HEADER) await new Promise<void>((resolve) => far.write(byte, () => resolve()))
  t.match(await reading, { destination: { port: 443 } })
})

t.test('says that there is none: something else, or the end of the connection', async (t) => {
  for (const said of ['GET / HTTP/1.1\r\n', 'PROXY TCP4 ']) {
    const { near, far } = await openPair(t)
    far.end(said)
    await t.rejects(readProxyHeader(near, new AbortController().signal), { code: 'ERR_PROXY_HEADER_MISSING' })
    t.notOk(near.destroyed, 'what to answer is for the caller')
  }
})

t.test('stops waiting when it is told to', async (t) => {
  const { near } = await openPair(t)
  const abort = new AbortController()
  const reading = readProxyHeader(near, abort.signal)
  abort.abort(new Error('too slow'))
  await t.rejects(reading, { message: 'too slow' })
  t.equal(near.listenerCount('data'), 0)
})
