import { setTimeout as sleep } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import type { LadderStep } from './ladder-step.js'
import { connectTlsPair } from './loopback-tls.js'

/** TLS alone: one end writes, the other reads and discards. One operation is one write that arrived. */
export function tlsLoopback(name: string, writeBytes: number): LadderStep {
  return {
    name,
    operation: 'write',
    bytesPerOperation: writeBytes,
    async prepare() {
      const pair = await connectTlsPair()
      const block = Buffer.alloc(writeBytes)
      let receivedBytes = 0
      pair.server.on('data', (chunk: Buffer) => {
        receivedBytes += chunk.length
      })
      return {
        run: async (milliseconds) => {
          const before = receivedBytes
          const stop = pump(pair.client, block)
          await sleep(milliseconds)
          stop()
          return (receivedBytes - before) / writeBytes
        },
        [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
      }
    },
  }
}

/** Writes whenever the socket accepts more. @returns a function that ends it */
function pump(socket: TLSSocket, block: Buffer): () => void {
  const fill = () => {
    while (socket.write(block)) {
      // `write` returns false when the buffer is full.
    }
  }
  socket.on('drain', fill)
  fill()
  return () => socket.off('drain', fill)
}
