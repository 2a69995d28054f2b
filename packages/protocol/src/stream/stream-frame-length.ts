import { FRAME_TYPE } from '../constants.js'
import { TunnelError } from '../errors.js'
import { MAX_REFUSAL_DETAIL_BYTES, MAX_STREAM_DATA_BYTES, MAX_STREAM_HOST_BYTES } from './stream-constants.js'

const ID_BYTES = 6
const OPENED_BYTES = { ipv4: ID_BYTES + 8, ipv6: ID_BYTES + 20 } as const

/** The shortest and the longest payload of each type, from OPEN on. */
const LENGTHS: readonly (readonly [least: number, most: number])[] = [
  [ID_BYTES + 8, ID_BYTES + 7 + MAX_STREAM_HOST_BYTES],
  [OPENED_BYTES.ipv4, OPENED_BYTES.ipv6],
  [ID_BYTES + 1, ID_BYTES + 1 + MAX_REFUSAL_DETAIL_BYTES],
  [ID_BYTES + 1, ID_BYTES + MAX_STREAM_DATA_BYTES],
  [ID_BYTES + 4, ID_BYTES + 4],
  [ID_BYTES, ID_BYTES],
  [ID_BYTES + 1, ID_BYTES + 1],
  [6, 6],
  [12, 12],
]

/** Whether frames of this type carry streams: OPEN to RESUME. */
export function isStreamFrame(type: number): boolean {
  return type >= FRAME_TYPE.OPEN && type <= FRAME_TYPE.RESUME
}

/**
 * Checks what a header says of a frame of a stream.
 * @throws TunnelError with a close code: ERR_FRAME_TOO_LARGE, ERR_FRAME_TOO_SHORT, ERR_STREAM_FRAME_INVALID
 */
export function checkStreamPayloadBytes(type: number, payloadBytes: number): void {
  const [least, most] = LENGTHS[type - FRAME_TYPE.OPEN] as readonly [number, number]
  if (payloadBytes > most) {
    throw new TunnelError(
      'ERR_FRAME_TOO_LARGE',
      `frame of type ${type} with ${payloadBytes} B exceeds ${most} B`,
      { closeCode: 'frame-too-large' },
    )
  }
  if (payloadBytes < least) {
    throw new TunnelError(
      'ERR_FRAME_TOO_SHORT',
      `frame of type ${type} with ${payloadBytes} B is below ${least} B`,
      { closeCode: 'protocol-error' },
    )
  }
  if (type === FRAME_TYPE.OPENED && payloadBytes > least && payloadBytes < most) {
    throw new TunnelError(
      'ERR_STREAM_FRAME_INVALID',
      `OPENED of ${payloadBytes} B, not ${least} B or ${most} B`,
      { closeCode: 'protocol-error' },
    )
  }
}
