import { FrameDecoder } from '@reversed-vpn/protocol'

export interface SeenFrame {
  readonly type: number
  readonly payload: string
}

/** A decoder and what it has handed over so far, copied out while each view was valid. */
export function collectFrames(): { readonly decoder: FrameDecoder; readonly frames: SeenFrame[] } {
  const frames: SeenFrame[] = []
  const decoder = new FrameDecoder({
    onFrame: (frame) => frames.push({ type: frame.type, payload: frame.copyPayload().toString('hex') }),
  })
  return { decoder, frames }
}
