import { FRAME_TYPE } from '@reversed-vpn/protocol'
import {
  assertLegalFrame,
  type FrameTypeName,
  isLegalFrame,
  type LanePhase,
} from '@reversed-vpn/protocol/testing'
import { test } from 'tap'

const LEGAL: Record<LanePhase, readonly FrameTypeName[]> = {
  'await-hello': ['HELLO', 'REJECT', 'CLOSE'],
  'await-welcome': ['WELCOME', 'REJECT', 'CLOSE'],
  up: ['DATA', 'PING', 'PONG', 'GOAWAY', 'CLOSE'],
}

for (const [phase, legal] of Object.entries(LEGAL) as [LanePhase, readonly FrameTypeName[]][]) {
  test(`takes ${legal.join(', ')} and nothing else while ${phase}`, async (t) => {
    for (const [name, type] of Object.entries(FRAME_TYPE) as [FrameTypeName, number][]) {
      t.equal(isLegalFrame(phase, type), legal.includes(name), name)
      if (legal.includes(name)) t.doesNotThrow(() => assertLegalFrame(phase, type), name)
      else t.throws(() => assertLegalFrame(phase, type), { code: 'ERR_FRAME_UNEXPECTED' }, name)
    }
  })
}

test('names the type and the phase, and the close code to send', async (t) => {
  t.throws(() => assertLegalFrame('await-hello', FRAME_TYPE.DATA), {
    name: 'TunnelError',
    code: 'ERR_FRAME_UNEXPECTED',
    closeCode: 'unexpected-frame',
    message: 'frame of type 0 while await-hello',
  })
})
