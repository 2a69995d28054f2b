import { EventEmitter, once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import {
  type ControlMessage,
  decodeControl,
  encodeControl,
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  FrameDecoder,
} from '@reversed-vpn/protocol'

type Received<Type extends ControlMessage['type']> = Extract<ControlMessage, { type: Type }>

/**
 * One end of a connection that has proved who it is and keeps to no rule: what it sends is up to the test. What comes is
 * collected; nothing is answered, PINGs neither, so that a session of it never takes over.
 */
export class HostilePeer {
  readonly socket: TLSSocket
  /** Control messages that came, in order, without PONG. */
  readonly messages: ControlMessage[] = []
  /** How many PONGs came, by id. */
  readonly pongs = new Map<number, number>()
  /** DATA payloads that came, virtio-net header included. */
  readonly packets: Buffer[] = []
  readonly #events = new EventEmitter()
  readonly #decoder: FrameDecoder

  constructor(socket: TLSSocket) {
    this.socket = socket
    this.#decoder = new FrameDecoder({
      onFrame: (view) => {
        if (view.type === FRAME_TYPE.DATA) this.packets.push(Buffer.from(view.copyPayload()))
        else this.#hear(decodeControl(view.type, view.copyPayload()))
      },
    })
    socket.on('data', (chunk: Buffer) => {
      this.#decoder.push(chunk)
      this.#events.emit('change')
    })
    socket.on('error', () => {})
    socket.on('end', () => socket.end())
    socket.on('close', () => this.#events.emit('change'))
  }

  get isClosed(): boolean {
    return this.socket.destroyed
  }

  say(message: ControlMessage): void {
    this.write(encodeControl(message))
  }

  /** A frame of any type with any payload, and a length that need not be true. */
  sayFrame(type: number, payload: Uint8Array | string = '', length = Buffer.byteLength(payload)): void {
    this.write(frameOf(type, payload, length))
  }

  write(bytes: Uint8Array): void {
    if (this.socket.writable) this.socket.write(bytes)
  }

  /** The first message of that type; waits for it where it has not come yet. @throws Error when the connection ends without it */
  async heard<Type extends ControlMessage['type']>(type: Type, deadlineMs = 30_000): Promise<Received<Type>> {
    const find = () => this.messages.find((message): message is Received<Type> => message.type === type)
    await this.#until(() => find() !== undefined || this.isClosed, deadlineMs)
    const found = find()
    if (found !== undefined) return found
    throw new Error(`closed without ${type}, after ${this.messages.map((message) => message.type)}`)
  }

  /** Waits for PONG to a PING of ours: everything said before it has been looked at by then. */
  async roundTrip(id: number): Promise<void> {
    this.say({ type: 'PING', id })
    const isBack = () => this.pongs.has(id)
    await this.#until(() => isBack() || this.isClosed, 30_000)
    if (!isBack()) throw new Error(`closed before PONG ${id}: ${JSON.stringify(this.messages.at(-1))}`)
  }

  /** Waits until the other end has closed, and tells what its last message was. */
  async ended(deadlineMs = 30_000): Promise<ControlMessage | undefined> {
    await this.#until(() => this.isClosed, deadlineMs)
    return this.messages.findLast((message) => message.type !== 'PING')
  }

  destroy(): void {
    this.socket.destroy()
  }

  [Symbol.dispose](): void {
    this.destroy()
  }

  #hear(message: ControlMessage): void {
    if (message.type === 'PONG') this.pongs.set(message.id, (this.pongs.get(message.id) ?? 0) + 1)
    else this.messages.push(message)
  }

  async #until(isSo: () => boolean, deadlineMs: number): Promise<void> {
    const signal = AbortSignal.timeout(deadlineMs)
    while (!isSo()) await once(this.#events, 'change', { signal })
  }
}

export function frameOf(
  type: number,
  payload: Uint8Array | string = '',
  length = Buffer.byteLength(payload),
): Buffer {
  const header = Buffer.alloc(FRAME_HEADER_BYTES)
  header.writeUInt32BE(((type << 24) | length) >>> 0)
  return Buffer.concat([header, Buffer.from(payload as Uint8Array)])
}
