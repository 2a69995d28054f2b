// Runs inside one network namespace, forked by `NamespaceWorker`: does what only a process in there can do.
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import {
  type AppliedNetwork,
  applySeedNetwork,
  applyShootNetwork,
  checkPreparedSeedNetwork,
  checkPreparedShootNetwork,
  openTunnelInterface,
  readDropCounters,
  removeSetUpNetwork,
  type SeedNetworkPlan,
  type SetupOwner,
  type ShootNetworkPlan,
  setUpSeedNetwork,
  setUpShootNetwork,
  type TunnelInterface,
} from '@reversed-vpn/host-network'
import type { DropCounter } from '@reversed-vpn/host-network/testing'
import { type NetworkSetup, sweepNetwork } from '@reversed-vpn/host-network/testing'

interface ConnectTarget {
  readonly host: string
  readonly port: number
  readonly localAddress?: string
}

interface SetUpRequest<Plan> {
  readonly plan: Plan
  readonly owner: SetupOwner
}

let applied: AppliedNetwork | undefined
let compare: () => Promise<readonly unknown[]> = () => Promise.reject(new Error('nothing is applied'))
let update: (plan: never) => Promise<void> = () => Promise.reject(new Error('nothing is applied'))
const held: Socket[] = []
/** A device that nobody holds is closed when it is collected. */
const opened: TunnelInterface[] = []

const methods = {
  async applySeed(plan: SeedNetworkPlan) {
    const network = await applySeedNetwork(plan)
    applied = network
    ;({ update, compare } = network)
    return applied.warnings
  },
  async applyShoot(plan: ShootNetworkPlan) {
    const network = await applyShootNetwork(plan)
    applied = network
    ;({ update, compare } = network)
    return applied.warnings
  },
  update: (plan: SeedNetworkPlan | ShootNetworkPlan) => update(plan as never),
  compare: () => compare(),
  closeApplied: async () => (await applied?.close()) ?? [],
  revertApplied: async () => applied?.revert(),
  sweep: (tun: string) => sweepNetwork(tun),
  setUpSeed: async ({ plan, owner }: SetUpRequest<SeedNetworkPlan>) => ({
    ...(await setUpSeedNetwork(plan, owner)),
  }),
  setUpShoot: async ({ plan, owner }: SetUpRequest<ShootNetworkPlan>) => ({
    ...(await setUpShootNetwork(plan, owner)),
  }),
  checkSeed: async (plan: SeedNetworkPlan) => void (await checkPreparedSeedNetwork(plan)),
  checkShoot: async (plan: ShootNetworkPlan) => void (await checkPreparedShootNetwork(plan)),
  removeSetUp: (tun: string) => removeSetUpNetwork(tun),
  /** Opens the interface of that name, and keeps it until the process ends. */
  async openDevice(setup: NetworkSetup) {
    const device = await openTunnelInterface({ name: 'vpn0', offload: 'auto', setup })
    opened.push(device)
    return { isPrepared: device.isPrepared, accepts: device.accepts }
  },
  dropCount: async (counter: DropCounter) => (await readDropCounters('vpn0')).get(counter) ?? 0,

  /** A TCP server that tells every client the address it sees. */
  async listen(port: number): Promise<void> {
    const server = createServer((socket) => socket.on('error', () => {}).end(`${socket.remoteAddress}`))
    server.listen(port, '::')
    await once(server, 'listening')
  },

  /** What the server said, or the code of the failure. */
  connect: (target: ConnectTarget): Promise<string> => dial(target, 30_000),
  /** The same where no answer is expected: ETIMEDOUT after 700 ms, in which one SYN leaves and no second. */
  knock: (target: ConnectTarget): Promise<string> => dial(target, 700),

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

function dial({ host, port, localAddress }: ConnectTarget, patienceMs: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, ...(localAddress === undefined ? {} : { localAddress }) })
    let heard = ''
    const timer = setTimeout(
      () => socket.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })),
      patienceMs,
    )
    socket.on('data', (chunk) => {
      heard += chunk
    })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(heard.replace(/^::ffff:/, ''))
    })
  })
}

process.on('message', ({ id, method, argument }: Request) => {
  Promise.resolve(methods[method](argument)).then(
    (result) => process.send?.({ id, result: result ?? null }),
    (error) => process.send?.({ id, error: { code: error.code, message: error.message } }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
