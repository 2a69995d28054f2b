import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import type { Narrator } from '../narrator.js'
import type { Stage } from './stage.js'

const BYTES = 100_000_000

/** What is cut once so many bytes have arrived; so much is not on the way that all would have been by then. */
const CUTS = [
  { atBytes: 10_000_000, connections: 1, what: 'One connection' },
  { atBytes: 30_000_000, connections: Number.POSITIVE_INFINITY, what: 'Every connection' },
]

/** A download goes on, byte for byte, while the connections that carry it are reset. */
export async function cutInTheMiddle(stage: Stage, narrator: Narrator): Promise<void> {
  const { caller, relay, seedServer, shootClient, target } = stage
  const fromLine = shootClient.process.output.length
  const cuts: { readonly what: string; readonly atBytes: number; readonly connections: number }[] = []
  let lastCutMs = 0
  const { sent, received } = await caller.download(target, BYTES, (bytes) => {
    const next = CUTS[cuts.length]
    if (next === undefined || bytes < next.atBytes) return
    cuts.push({ what: next.what, atBytes: bytes, connections: relay.cut(next.connections) })
    lastCutMs = performance.now()
  })
  const restMs = performance.now() - lastCutMs
  for (const { what, atBytes, connections } of cuts) {
    assert.ok(connections > 0, 'there was no connection to cut')
    narrator.proved(`${what} between the daemons is reset after ${atBytes} bytes (${connections}).`)
  }
  assert.equal(cuts.length, CUTS.length, 'cuts')
  assert.equal(received.bytes, BYTES, 'bytes of the download')
  assert.deepEqual(received, sent)
  narrator.proved(
    `The download never noticed: ${received.bytes} bytes, sha256 ${received.sha256} at both ends.`,
  )
  const [line] = await shootClient.process.waitForLine(/"msg":"lane lost"/, { fromLine })
  assert.ok(line)
  await Promise.all([seedServer.waitUntilReady(), shootClient.waitUntilReady()])
  narrator.proved('The shoot-client has logged "lane lost", and both daemons are ready again.')
  narrator.note(
    'the rest of the download after the last cut',
    `${(restMs / 1000).toFixed(2)} s, dialling again included`,
  )
}
