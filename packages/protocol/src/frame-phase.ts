import { FRAME_TYPE, type FrameType } from './constants.js'
import { TunnelError } from './errors.js'

/**
 * How far a lane has come, as one side of it sees it. The seed side awaits HELLO, the shoot side WELCOME.
 *
 *   seed side    await-hello ────HELLO received, WELCOME sent───▶ up
 *   shoot side   await-welcome ──WELCOME received────────────────▶ up
 */
export type LanePhase = 'await-hello' | 'await-welcome' | 'up'

const LEGAL_FRAMES = {
  'await-hello': [FRAME_TYPE.HELLO, FRAME_TYPE.REJECT, FRAME_TYPE.CLOSE],
  'await-welcome': [FRAME_TYPE.WELCOME, FRAME_TYPE.REJECT, FRAME_TYPE.CLOSE],
  up: [FRAME_TYPE.DATA, FRAME_TYPE.PING, FRAME_TYPE.PONG, FRAME_TYPE.GOAWAY, FRAME_TYPE.CLOSE],
} as const satisfies Record<LanePhase, readonly FrameType[]>

/** Whether a frame of `type` may be received in `phase`. Unknown types never get here: the decoder skips them. */
export function isLegalFrame(phase: LanePhase, type: number): boolean {
  return (LEGAL_FRAMES[phase] as readonly number[]).includes(type)
}

/** @throws TunnelError ERR_FRAME_UNEXPECTED, with a close code, unless `isLegalFrame` */
export function assertLegalFrame(phase: LanePhase, type: number): void {
  if (isLegalFrame(phase, type)) return
  throw new TunnelError('ERR_FRAME_UNEXPECTED', `frame of type ${type} while ${phase}`, {
    closeCode: 'unexpected-frame',
  })
}
