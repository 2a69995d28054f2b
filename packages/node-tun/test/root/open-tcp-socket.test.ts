import '../support/own-namespace.js'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { openTcpSocket } from '@reversed-vpn/node-tun/socket'
import { test } from 'tap'

const PORTS = 1001
const TARGETS = 2
const EACH = 750
/** Of the shoot, and some day of this host as well. */
const TAKEN = '100.96.0.9'
const NOBODY = 65_534

const ip = (...args: string[]) => execFileSync('ip', args, { encoding: 'utf8' })
ip('link', 'add', 'vpn0', 'type', 'veth', 'peer', 'name', 'far0')
ip('link', 'set', 'far0', 'up')
ip('address', 'add', '192.168.123.1/32', 'dev', 'vpn0')
ip('link', 'set', 'vpn0', 'up')
ip('route', 'add', '100.96.0.0/11', 'dev', 'vpn0')
ip('neighbour', 'add', TAKEN, 'lladdr', '02:00:00:00:00:01', 'dev', 'vpn0')

function takePortsFrom(first: number, last: number): void {
  writeFileSync('/proc/sys/net/ipv4/ip_local_port_range', `${first} ${last}`)
}

function createSocket(options: Parameters<typeof openTcpSocket>[0]): Socket {
  const fd = openTcpSocket(options)
  return new Socket({ fd, readable: true, writable: true, ...{ manualStart: true } })
}

/** @returns undefined, or the code of what went wrong */
async function outcomeOf(socket: Socket): Promise<string | undefined> {
  try {
    await once(socket, 'connect')
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

async function listen(host: string): Promise<{ server: Server; port: number }> {
  const server = createServer((socket) => socket.on('error', () => {}).resume())
  server.listen({ port: 0, host, backlog: 4096 })
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

test('a local port serves each target, where Node takes one for all of them', async (t) => {
  // The listeners take their ports from outside of the range that the dials share.
  takePortsFrom(20_000, 30_000)
  const targets = [await listen('127.0.0.1'), await listen('127.0.0.1')]
  takePortsFrom(40_000, 40_000 + PORTS - 1)
  const dialAll = async (open: (port: number) => Socket) => {
    const sockets: Socket[] = []
    const failures: string[] = []
    for (let i = 0; i < TARGETS * EACH; i++) {
      const socket = open(targets[i % TARGETS]?.port ?? 0)
      const failure = await outcomeOf(socket)
      if (failure === undefined) sockets.push(socket)
      else failures.push(failure)
    }
    for (const socket of sockets) socket.resetAndDestroy()
    await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')))
    return { connected: sockets.length, failures: [...new Set(failures)] }
  }
  const local = { host: '127.0.0.1', localAddress: '127.0.0.1' }
  t.same(await dialAll((port) => connect({ ...local, port })), { connected: PORTS, failures: ['EADDRINUSE'] })
  const shared = await dialAll((port) => createSocket({ family: 4 }).connect({ ...local, port }))
  t.same(shared, { connected: TARGETS * EACH, failures: [] })
  for (const { server } of targets) server.close()
})

test('an exhausted target is told apart from an address that is not there', async (t) => {
  takePortsFrom(20_000, 30_000)
  const { server, port } = await listen('127.0.0.1')
  takePortsFrom(40_000, 40_003)
  const sockets: Socket[] = []
  const dial = (localAddress: string) =>
    createSocket({ family: 4 })
      .on('error', () => {})
      .connect({ host: '127.0.0.1', port, localAddress })
  for (let i = 0; i < 4; i++) {
    const socket = dial('127.0.0.1')
    sockets.push(socket)
    t.equal(await outcomeOf(socket), undefined)
  }
  await t.rejects(once(dial('127.0.0.1'), 'connect'), { code: 'EADDRNOTAVAIL', syscall: 'connect' })
  await t.rejects(once(dial('192.0.2.1'), 'connect'), { code: 'EADDRNOTAVAIL', syscall: 'bind' })
  for (const socket of sockets) socket.destroy()
  server.close()
  takePortsFrom(20_000, 30_000)
})

test('one that is bound to a device goes there, whatever this host has got meanwhile', async (t) => {
  const { server, port } = await listen('0.0.0.0')
  ip('address', 'add', `${TAKEN}/32`, 'dev', 'lo')
  const target = { host: TAKEN, port, localAddress: '192.168.123.1' }
  const unbound = createSocket({ family: 4 }).connect(target)
  t.equal(await outcomeOf(unbound), undefined, 'by the routes alone it ends up here')
  const sent = () => JSON.parse(ip('-s', '-j', 'link', 'show', 'vpn0'))[0].stats64.tx.packets as number
  // The effective capabilities go with the user.
  for (const user of [0, NOBODY]) {
    process.seteuid?.(user)
    const bound = createSocket({ family: 4, device: 'vpn0' }).on('error', () => {})
    process.seteuid?.(0)
    const before = sent()
    bound.connect(target)
    await Promise.race([once(bound, 'connect').then(() => t.fail('connected here')), wait(200)])
    t.ok(sent() > before, `its packets leave through the device, as user ${user}`)
    bound.destroy()
  }
  unbound.destroy()
  server.close()
})

test('IPv6, and a device that is not there', async (t) => {
  const { server, port } = await listen('::1')
  const socket = createSocket({ family: 6, device: 'lo' }).connect({ host: '::1', port, localAddress: '::1' })
  t.equal(await outcomeOf(socket), undefined)
  t.throws(() => openTcpSocket({ family: 4, device: 'never0' }), { code: 'ENODEV', syscall: 'setsockopt' })
  socket.destroy()
  server.close()
})
