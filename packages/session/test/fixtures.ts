import { once } from 'node:events'
import {
  type AddressInfo,
  connect as connectTcp,
  createServer as createTcpServer,
  type Server,
} from 'node:net'
import { Duplex } from 'node:stream'
import { CidrSet } from '@reversed-vpn/ip'
import { type OffloadKind, PacketChecker } from '@reversed-vpn/protocol'
import { WebSocketStream } from '@reversed-vpn/session'
import { WebSocket, WebSocketServer } from 'ws'

/** The two ends of one byte stream. */
export interface StreamPair extends AsyncDisposable {
  readonly near: Duplex
  readonly far: Duplex
}

/** Every kind of stream that a lane has to work over, by name. */
export const STREAM_KINDS: Readonly<Record<string, () => Promise<StreamPair>>> = {
  memory: () => Promise.resolve(memoryPair()),
  TCP: tcpPair,
  WebSocket: webSocketPair,
}

/** A stream in memory: what one end writes the other reads, with backpressure. */
export function memoryPair(highWaterMark = 16_384): StreamPair {
  const near = new MemoryEnd(highWaterMark)
  const far = new MemoryEnd(highWaterMark)
  near.other = far
  far.other = near
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy()
      far.destroy()
    },
  }
}

class MemoryEnd extends Duplex {
  other: MemoryEnd | undefined
  #continue: (() => void) | undefined

  constructor(highWaterMark: number) {
    super({ highWaterMark, allowHalfOpen: false })
  }

  override _read(): void {
    const proceed = this.#continue
    this.#continue = undefined
    proceed?.()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const { other } = this
    if (other === undefined || other.destroyed) done(new Error('the other end is gone'))
    // Copied, as a socket would: the writer may reuse its buffer once the callback was called.
    else if (other.push(Buffer.from(chunk))) setImmediate(done)
    else other.#continue = () => setImmediate(done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.other?.push(null)
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const { other } = this
    if (other !== undefined && !other.destroyed) setImmediate(() => other.destroy())
    done(error)
  }
}

async function tcpPair(): Promise<StreamPair> {
  const server: Server = createTcpServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Duplex>((resolve) => server.once('connection', resolve))
  const near = connectTcp((server.address() as AddressInfo).port, '127.0.0.1')
  await new Promise<void>((resolve) => near.once('connect', () => resolve()))
  const far = await accepted
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy()
      far.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Two ends of a WebSocket, unwrapped. */
export async function webSocketPair(): Promise<StreamPair> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false })
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  const [served] = (await accepted) as [WebSocket]
  const far = new WebSocketStream(served)
  await once(client, 'open')
  const near = new WebSocketStream(client)
  return {
    near,
    far,
    async [Symbol.asyncDispose]() {
      near.destroy()
      far.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const SEED_ADDRESS = '192.168.123.1'
const POD_ADDRESS = '100.96.0.10'

const ALL_OFFLOADS: readonly OffloadKind[] = ['checksum', 'tso4', 'tso6']

/** The rules of both directions, for a shoot with one pod network. */
export function checkers(accepts: readonly OffloadKind[] = ALL_OFFLOADS) {
  const seed = CidrSet.of([`${SEED_ADDRESS}/32`])
  const pods = CidrSet.of(['100.96.0.0/11'])
  const refused = CidrSet.of(['127.0.0.0/8'])
  const common = { refused, accepts, mtu: 1500 }
  return {
    toShoot: new PacketChecker({ sources: seed, destinations: pods, ...common }),
    toSeed: new PacketChecker({ sources: pods, destinations: seed, ...common }),
  }
}

/** A UDP packet to a pod behind an all-zero virtio-net header; `payload` tells it from others. */
export function udpFrame(payload: Buffer, options: { readonly destination?: string } = {}): Buffer {
  const frame = Buffer.alloc(10 + 28 + payload.length)
  const packet = frame.subarray(10)
  packet[0] = 0x45
  packet.writeUInt16BE(28 + payload.length, 2)
  packet[8] = 64
  packet[9] = 17
  packet.set(addressBytes(SEED_ADDRESS), 12)
  packet.set(addressBytes(options.destination ?? POD_ADDRESS), 16)
  packet.writeUInt16BE(40_000, 20)
  packet.writeUInt16BE(80, 22)
  packet.writeUInt16BE(8 + payload.length, 24)
  packet.set(payload, 28)
  return frame
}

/**
 * As {@link udpFrame}, but as a kernel hands over what a program beside it sent: the checksum is left to the
 * receiver.
 */
export function unsummedUdpFrame(payload: Buffer): Buffer {
  const frame = udpFrame(payload)
  frame.set([1, 0, 0, 0, 0, 0, 20, 0, 6, 0])
  const packet = frame.subarray(10)
  packet[6] = 0x40
  packet.writeUInt16BE(~foldedSum(packet.subarray(0, 20)) & 0xffff, 10)
  const pseudoHeader = Buffer.from([...packet.subarray(12, 20), 0, 17, ...packet.subarray(24, 26)])
  packet.writeUInt16BE(foldedSum(pseudoHeader), 26)
  return frame
}

function foldedSum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  return (sum & 0xffff) + (sum >>> 16)
}

/**
 * A TCP GSO packet to a pod, as the kernel hands it over: 64 KiB at most, checksum and cutting left to the
 * receiver.
 */
export function gsoFrame(payload: Buffer): Buffer {
  const frame = Buffer.alloc(10 + 40 + payload.length)
  frame.set([1, 1], 0)
  frame.writeUInt16LE(40, 2)
  frame.writeUInt16LE(1448, 4)
  frame.writeUInt16LE(20, 6)
  frame.writeUInt16LE(16, 8)
  const packet = frame.subarray(10)
  packet[0] = 0x45
  packet.writeUInt16BE(40 + payload.length, 2)
  packet[8] = 64
  packet[9] = 6
  packet.set(addressBytes(SEED_ADDRESS), 12)
  packet.set(addressBytes(POD_ADDRESS), 16)
  packet.writeUInt16BE(40_000, 20)
  packet.writeUInt16BE(80, 22)
  packet[32] = 0x50
  packet[33] = 0x10
  packet.set(payload, 40)
  return frame
}

function addressBytes(address: string): number[] {
  return address.split('.').map(Number)
}

/** Settles when `condition` holds, which is looked at after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
