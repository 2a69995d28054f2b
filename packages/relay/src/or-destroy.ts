import type { Duplex } from 'node:stream'

/** What `work` comes to, which needs `stream`. Whatever it throws, at once or later, the stream is destroyed then. */
export async function orDestroy<Value>(stream: Duplex, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work()
  } catch (error) {
    stream.destroy()
    throw error
  }
}
