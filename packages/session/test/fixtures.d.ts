import { Duplex } from 'node:stream'
import { type OffloadKind, PacketChecker } from '@reversed-vpn/protocol'
/** The two ends of one byte stream. */
export interface StreamPair extends AsyncDisposable {
  readonly near: Duplex
  readonly far: Duplex
}
/** Every kind of stream that a lane has to work over, by name. */
export declare const STREAM_KINDS: Readonly<Record<string, () => Promise<StreamPair>>>
/** A stream in memory: what one end writes the other reads, with backpressure. */
export declare function memoryPair(highWaterMark?: number): StreamPair
/** Two ends of a WebSocket, unwrapped. */
export declare function webSocketPair(): Promise<StreamPair>
export declare const SEED_ADDRESS = '192.168.123.1'
export declare const POD_ADDRESS = '100.96.0.10'
/** The rules of both directions, for a shoot with one pod network. */
export declare function checkers(accepts?: readonly OffloadKind[]): {
  toShoot: PacketChecker
  toSeed: PacketChecker
}
/** A UDP packet to a pod behind an all-zero virtio-net header; `payload` tells it from others. */
export declare function udpFrame(
  payload: Buffer,
  options?: {
    readonly destination?: string
  },
): Buffer
/** As {@link udpFrame}, but as a kernel hands over what a program beside it sent: the checksum is left to the receiver. */
export declare function unsummedUdpFrame(payload: Buffer): Buffer
/** A TCP super-packet to a pod, as the kernel hands it over: 64 KiB at most, checksum and cutting left to the receiver. */
export declare function superFrame(payload: Buffer): Buffer
