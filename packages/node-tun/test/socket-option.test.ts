import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TLSSocket } from 'node:tls'
import {
  getBbrPacingGain,
  getTcpCongestion,
  getTcpInfo,
  getUnreadBytes,
  openTcpSocket,
  setMaxPacingRate,
  setTcpCongestion,
  setTcpKeepAliveIntervalS,
  setTcpMaxSegment,
  setTcpNotsentLowatBytes,
  setTcpUserTimeoutMs,
  socketDescriptor,
} from '@reversed-vpn/node-tun/socket'
import {
  getMaxPacingRate,
  getTcpKeepAliveIntervalS,
  getTcpMaxSegment,
  getTcpNotsentLowatBytes,
  getTcpUserTimeoutMs,
} from '@reversed-vpn/node-tun/testing'
import { test } from 'tap'

interface Connection extends AsyncDisposable {
  readonly socket: Socket
  readonly fd: number
}

async function openConnection(): Promise<Connection> {
  const server = createServer((peer) => peer.resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  return {
    socket,
    fd: socketDescriptor(socket) ?? -1,
    async [Symbol.asyncDispose]() {
      socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** What `ss` of iproute2 shows of the connection, with its options and internals. */
function describe({ socket }: Connection): string {
  return execFileSync('ss', ['-tioneH', 'sport', '=', `:${socket.localPort}`], { encoding: 'utf8' })
}

test('sets options that the kernel gives back', async (t) => {
  await using connection = await openConnection()
  const { fd } = connection
  t.equal(getTcpUserTimeoutMs(fd), 0, 'the default')
  setTcpUserTimeoutMs(fd, 12_345)
  t.equal(getTcpUserTimeoutMs(fd), 12_345)
  setTcpNotsentLowatBytes(fd, 131_072)
  t.equal(getTcpNotsentLowatBytes(fd), 131_072)
  setTcpKeepAliveIntervalS(fd, 30)
  t.equal(getTcpKeepAliveIntervalS(fd), 30)
  t.throws(() => setTcpKeepAliveIntervalS(fd, 0), { code: 'EINVAL' })
})

test('the largest segment of one end counts for both directions, whichever end it is', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const segments = async (maxSegment?: number): Promise<number[]> => {
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const options = { fd: openTcpSocket({ family: 4, maxSegment }), readable: true, writable: true }
    const socket = new Socket({ ...options, ...{ manualStart: true } }).connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const [peer] = await accepted
    const seen = [socket, peer].map((end) => getTcpMaxSegment(socketDescriptor(end) ?? -1))
    socket.destroy()
    peer.destroy()
    return seen
  }
  const bytesOfTimestamps = 12
  t.ok(Math.min(...(await segments())) > 1300, 'the default')
  t.same(await segments(1300), [1300 - bytesOfTimestamps, 1300 - bytesOfTimestamps], 'of who dials')
  setTcpMaxSegment(socketDescriptor(server) ?? -1, 1200)
  t.same(await segments(), [1200 - bytesOfTimestamps, 1200 - bytesOfTimestamps], 'of who listens')
  server.close()
  t.throws(() => openTcpSocket({ family: 4, maxSegment: 87 }), { code: 'EINVAL' })
})

test('limits how fast TCP sends, and takes the limit away', async (t) => {
  await using connection = await openConnection()
  const { fd } = connection
  t.equal(getMaxPacingRate(fd), undefined, 'the default')
  setMaxPacingRate(fd, 1_000_000)
  t.equal(getMaxPacingRate(fd), 1_000_000)
  t.match(describe(connection), /pacing_rate \d+bps\/8000000bps/, 'as ss shows it')
  setMaxPacingRate(fd, undefined)
  t.equal(getMaxPacingRate(fd), undefined)
  t.throws(() => setMaxPacingRate(fd, 2 ** 31), RangeError)
})

test('tells what the kernel knows of the way', async (t) => {
  await using connection = await openConnection()
  const { fd, socket } = connection
  const { ackedBytes } = getTcpInfo(fd)
  await new Promise((resolve) => socket.write(Buffer.alloc(1000), resolve))
  // On loopback the answer to a segment is there when the write returns.
  t.equal(getTcpInfo(fd).ackedBytes - ackedBytes, 1000)
  const { roundTripUs, minRoundTripUs } = getTcpInfo(fd)
  const [, shown] = /\brtt:([\d.]+)\//.exec(describe(connection)) ?? []
  t.equal(roundTripUs, Math.round(1000 * Number(shown)), 'as ss shows it')
  t.ok(minRoundTripUs > 0 && minRoundTripUs <= roundTripUs)
})

test('tells the gain of BBR, and of nothing else', async (t) => {
  await using connection = await openConnection()
  const offered = readFileSync('/proc/sys/net/ipv4/tcp_allowed_congestion_control', 'utf8').trim().split(' ')
  for (const name of offered) {
    setTcpCongestion(connection.fd, name)
    t.equal(getBbrPacingGain(connection.fd), name === 'bbr' ? 0 : undefined, name)
    await new Promise((resolve) => connection.socket.write('acknowledged', resolve))
    t.equal(getBbrPacingGain(connection.fd)?.toFixed(2), name === 'bbr' ? '2.89' : undefined, name)
  }
})

test('chooses a congestion control that the kernel offers', async (t) => {
  await using connection = await openConnection()
  const offered = readFileSync('/proc/sys/net/ipv4/tcp_allowed_congestion_control', 'utf8').trim().split(' ')
  for (const name of offered) {
    setTcpCongestion(connection.fd, name)
    t.equal(getTcpCongestion(connection.fd), name)
    t.match(describe(connection), new RegExp(`\\b${name}\\b`), 'as ss shows it')
  }
  t.throws(() => setTcpCongestion(connection.fd, 'no_such_control'), {
    code: 'ENOENT',
    syscall: 'setsockopt',
  })
  t.throws(() => setTcpCongestion(connection.fd, 'x'.repeat(80)), { code: 'EINVAL' })
  t.throws(() => setTcpCongestion(connection.fd, `${offered[0]}\0`), { code: 'EINVAL' })
})

test('refuses what is not a TCP socket with the code of the kernel', async (t) => {
  const file = openSync('/dev/null', 'r')
  t.teardown(() => closeSync(file))
  t.throws(() => setTcpUserTimeoutMs(file, 1), {
    name: 'SyscallError',
    code: 'ENOTSOCK',
    syscall: 'setsockopt',
  })
  t.throws(() => getTcpInfo(file), { name: 'SyscallError', code: 'ENOTSOCK', syscall: 'getsockopt' })
  t.throws(() => getTcpCongestion(file), { name: 'SyscallError', code: 'ENOTSOCK', syscall: 'getsockopt' })
  t.throws(() => getTcpUserTimeoutMs(-1), {
    code: 'EBADF',
    errno: -9,
    message: 'EBADF: bad file descriptor, getsockopt',
  })
})

test('refuses numbers that do not fit instead of cutting them', async (t) => {
  await using connection = await openConnection()
  for (const value of [2 ** 31, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    t.throws(() => setTcpUserTimeoutMs(connection.fd, value), RangeError, String(value))
  }
  t.throws(
    () => setTcpUserTimeoutMs(connection.fd, -1),
    { code: 'EINVAL' },
    'fits, but is none to the kernel',
  )
})

test('knows the descriptor under a socket, under TLS too, and none without one', async (t) => {
  await using connection = await openConnection()
  t.ok(connection.fd > 2)
  const tls = new TLSSocket(connection.socket, { isServer: false })
  tls.on('error', () => {})
  t.equal(socketDescriptor(tls), connection.fd)
  tls.destroy()
  const closed = once(connection.socket, 'close')
  connection.socket.destroy()
  await closed
  t.equal(socketDescriptor(connection.socket), undefined)
  t.equal(socketDescriptor(new Socket()), undefined)
})

test('tells what the other end of a Unix socket has not read', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'unread-'))
  t.teardown(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'socket')
  const server = createServer({ pauseOnConnect: true })
  server.listen(path)
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const socket = connect(path)
  const [peer] = await accepted
  const fd = socketDescriptor(socket) ?? -1
  t.equal(getUnreadBytes(fd), 0)
  await new Promise((resolve) => socket.write('hello', resolve))
  t.ok(getUnreadBytes(fd) >= 5)
  peer.resume()
  await once(peer, 'data')
  t.equal(getUnreadBytes(fd), 0)
  socket.destroy()
  peer.destroy()
  server.close()
  await once(server, 'close')
  t.throws(() => getUnreadBytes(-1), { code: 'EBADF', syscall: 'ioctl(SIOCOUTQ)' })
})

test('a hop limit is one of 1 to 255', (t) => {
  for (const family of [4, 6] as const) {
    closeSync(openTcpSocket({ family, hopLimit: 1 }))
    t.throws(() => openTcpSocket({ family, hopLimit: 256 }), { code: 'EINVAL' }, `IPv${family}`)
  }
  t.end()
})
