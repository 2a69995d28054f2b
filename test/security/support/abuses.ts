import { type CloseCode, FRAME_TYPE } from '@reversed-vpn/protocol'
import { MAX_CONTROL_PAYLOAD_BYTES } from '@reversed-vpn/protocol/testing'
import type { HostilePeer } from './hostile-peer.js'

/** What a peer does on a lane that is up, and the code of the CLOSE that it gets for it. */
interface Abuse {
  readonly what: string
  readonly code: CloseCode
  readonly act: (peer: HostilePeer) => void
}

const MAX_DATA = 65_545
const control = (type: number, text: string | Uint8Array) => (peer: HostilePeer) => peer.sayFrame(type, text)
/** The header alone has to be enough. */
const announce = (type: number, length: number) => (peer: HostilePeer) => peer.sayFrame(type, '', length)

export const ABUSES: readonly Abuse[] = [
  { what: 'HELLO', code: 'unexpected-frame', act: control(FRAME_TYPE.HELLO, hello()) },
  { what: 'REJECT', code: 'unexpected-frame', act: control(FRAME_TYPE.REJECT, reject()) },
  { what: 'a PING that is no JSON', code: 'bad-control', act: control(FRAME_TYPE.PING, 'id=1') },
  {
    what: 'a PING that is no UTF-8',
    code: 'bad-control',
    act: control(FRAME_TYPE.PING, Buffer.from([0xff])),
  },
  { what: 'a PING beyond 32 bits', code: 'bad-control', act: control(FRAME_TYPE.PING, '{"id":4294967296}') },
  { what: 'a PING nested deeply', code: 'bad-control', act: control(FRAME_TYPE.PING, '['.repeat(16_000)) },
  { what: 'a GOAWAY of lane 256', code: 'bad-control', act: control(FRAME_TYPE.GOAWAY, goaway(256)) },
  { what: 'a CLOSE of no known code', code: 'bad-control', act: control(FRAME_TYPE.CLOSE, close('because')) },
  {
    what: 'a control message one byte too long',
    code: 'frame-too-large',
    act: announce(FRAME_TYPE.PING, MAX_CONTROL_PAYLOAD_BYTES + 1),
  },
  { what: 'DATA one byte too long', code: 'frame-too-large', act: announce(FRAME_TYPE.DATA, MAX_DATA + 1) },
  { what: 'an unknown type one byte too long', code: 'frame-too-large', act: announce(200, MAX_DATA + 1) },
  { what: 'an unknown type of 16 MiB', code: 'frame-too-large', act: announce(127, 0xff_ff_ff) },
  { what: 'a frame of a stream that is too short', code: 'protocol-error', act: announce(69, 5) },
  { what: 'DATA one byte too short', code: 'protocol-error', act: announce(FRAME_TYPE.DATA, 29) },
]

function hello(): string {
  return JSON.stringify({ version: 1, instance: 'b'.repeat(32), accepts: [], mtu: 1500 })
}

function reject(): string {
  return JSON.stringify({ code: 'internal', reason: 'no' })
}

function goaway(lane: number): string {
  return JSON.stringify({ lane, reason: 'rotate-age' })
}

function close(code: string): string {
  return JSON.stringify({ code, reason: 'no' })
}
