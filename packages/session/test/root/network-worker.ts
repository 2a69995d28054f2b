// Runs inside one network namespace, forked by `NamespaceWorker`: does what only a process in there can do.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import {
  type AppliedNetwork,
  applySeedNetwork,
  applyShootNetwork,
  readDropCounters,
  type SeedNetworkPlan,
  type ShootNetworkPlan,
  sweepNetwork,
} from '@reversed-vpn/session'
import type { DropCounter } from '../../dist/network/index.js'

export interface ConnectTarget {
  readonly host: string
  readonly port: number
  readonly localAddress?: string
}

let applied: AppliedNetwork | undefined
const held: Socket[] = []

const methods = {
  async applySeed(plan: SeedNetworkPlan) {
    applied = await applySeedNetwork(plan)
    return applied.warnings
  },
  async applyShoot(plan: ShootNetworkPlan) {
    applied = await applyShootNetwork(plan)
    return applied.warnings
  },
  async closeApplied() {
    await applied?.close()
  },
  sweep: (tun: string) => sweepNetwork(tun),
  dropCount: async (counter: DropCounter) => (await readDropCounters('vpn0')).get(counter) ?? 0,

  /** A TCP server that tells every client the address it sees. */
  async listen(port: number): Promise<void> {
    const server = createServer((socket) => socket.on('error', () => {}).end(`${socket.remoteAddress}`))
    server.listen(port, '::')
    await once(server, 'listening')
  },

  /** What the server said, or the code of the failure, ETIMEDOUT after 700 ms. */
  connect: ({ host, port, localAddress }: ConnectTarget): Promise<string> =>
    new Promise((resolve) => {
      const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) })
      let heard = ''
      const timer = setTimeout(() => socket.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })), 700)
      socket.on('data', (chunk) => {
        heard += chunk
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      socket.on('close', () => {
        clearTimeout(timer)
        resolve(heard.replace(/^::ffff:/, ''))
      })
    }),

  /** A server that never ends what it accepts, and the client's side of that: for looking at open sockets. */
  async listenAndHold(port: number): Promise<void> {
    const server = createServer((socket) => held.push(socket))
    server.listen(port, '::')
    await once(server, 'listening')
  },
  async connectAndHold({ host, port }: ConnectTarget): Promise<void> {
    const socket = connect(port, host)
    held.push(socket)
    await once(socket, 'connect')
  },

  /** Sends one datagram of that size, with DF where Linux sets it, from a socket that stays to hear of errors. */
  async sendDatagram({ host, port, localAddress, bytes }: ConnectTarget & { bytes: number }): Promise<void> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.on('error', () => {})
    await new Promise<void>((resolve) => socket.bind({ address: localAddress ?? '' }, resolve))
    await new Promise((resolve) => socket.send(Buffer.alloc(bytes), port, host, resolve))
  },

  /** Answers every datagram with one of that size. */
  async answerDatagrams({ host, port, bytes }: ConnectTarget & { bytes: number }): Promise<void> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.on('error', () => {})
    socket.on('message', (_, sender) => socket.send(Buffer.alloc(bytes), sender.port, sender.address))
    await new Promise<void>((resolve) => socket.bind({ address: host, port }, resolve))
  },
}

export type WorkerMethods = typeof methods

interface Request {
  readonly id: number
  readonly method: keyof WorkerMethods
  readonly argument: never
}

process.on('message', ({ id, method, argument }: Request) => {
  Promise.resolve(methods[method](argument)).then(
    (result) => process.send?.({ id, result: result ?? null }),
    (error) => process.send?.({ id, error: { code: error.code, message: error.message } }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
