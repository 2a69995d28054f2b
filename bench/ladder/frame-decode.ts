import { FRAME_HEADER_BYTES, FRAME_TYPE, FrameDecoder, writeFrameHeader } from '@reversed-vpn/protocol'
import { type LadderStep, synchronousStep } from './ladder-step.js'

const TARGET_STREAM_BYTES = 1024 * 1024

/** DATA frames in chunks as TLS delivers them. One operation is one frame. */
export function frameDecode(name: string, payloadBytes: number, chunkBytes: number): LadderStep {
  return {
    name,
    operation: 'frame',
    bytesPerOperation: payloadBytes,
    async prepare() {
      const frameBytes = FRAME_HEADER_BYTES + payloadBytes
      const frames = Math.ceil(TARGET_STREAM_BYTES / frameBytes)
      const stream = Buffer.alloc(frames * frameBytes)
      for (let at = 0; at < stream.length; at += frameBytes) {
        writeFrameHeader(stream, at, FRAME_TYPE.DATA, payloadBytes)
      }
      const chunks = chunksOf(stream, chunkBytes)
      let decoded = 0
      const decoder = new FrameDecoder({
        onFrame: () => {
          decoded++
        },
      })
      const step = synchronousStep(() => {
        for (const chunk of chunks) decoder.push(chunk)
      })
      return {
        ...step,
        run: async (milliseconds) => {
          const before = decoded
          await step.run(milliseconds)
          return decoded - before
        },
      }
    },
  }
}

function chunksOf(stream: Buffer, chunkBytes: number): Buffer[] {
  const count = Math.ceil(stream.length / chunkBytes)
  return Array.from({ length: count }, (_, index) =>
    stream.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  )
}
