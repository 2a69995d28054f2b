import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { lookAtFiles, Reloader, type ReloadPart } from '@reversed-vpn/daemon'
import { pino } from 'pino'
import t from 'tap'

/** A reloader, what it has logged and counted, and the next outcome. */
function createReloader(parts: readonly ReloadPart[]) {
  const records: Record<string, unknown>[] = []
  const outcomes: string[] = []
  let wake = () => {}
  const sink = new Writable({
    write(chunk: Buffer, _, done) {
      records.push(JSON.parse(chunk.toString()))
      done()
    },
  })
  const reloader = new Reloader({
    parts,
    log: pino({ formatters: { level: (level) => ({ level }) } }, sink),
    onOutcome: (part, outcome) => {
      outcomes.push(`${part} ${outcome}`)
      wake()
    },
    intervalMs: 10,
  })
  // It does not keep the process alive itself.
  const alive = setInterval(() => {}, 1000)
  const next = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  const close = () => {
    clearInterval(alive)
    reloader.close()
  }
  return { reloader, records, outcomes, next, close }
}

t.test('a part that is refused is told in one line, and keeps no other from being taken', async (t) => {
  const refuse = () => {
    throw Object.assign(new Error('/a: is\nbroken'), { code: 'ERR_A' })
  }
  const { reloader, records, outcomes, close } = createReloader([
    { name: 'a', files: ['/a'], reload: refuse },
    { name: 'b', files: ['/b'], reload: async () => ({ added: 1 }) },
    { name: 'c', files: ['/c'], reload: () => undefined },
  ])
  t.equal(await reloader.reload(), false)
  t.same(outcomes, ['a refused', 'b taken', 'c unchanged'])
  t.match(records, [
    { level: 'error', part: 'a', files: ['/a'], code: 'ERR_A', reason: '/a: is broken' },
    { level: 'info', part: 'b', added: 1, msg: 'b taken' },
  ])
  t.equal(records.length, 2)
  close()
})

t.test('never reads two at a time', async (t) => {
  let running = 0
  let most = 0
  const reload = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
    return {}
  }
  const { reloader, outcomes, close } = createReloader([
    { name: 'a', files: [], reload },
    { name: 'b', files: [], reload },
  ])
  t.same(await Promise.all([reloader.reload(), reloader.reload()]), [true, true])
  t.equal(most, 1)
  t.equal(outcomes.length, 4)
  close()
})

t.test('reads by itself the part whose files change, also before they are watched', async (t) => {
  const dir = t.testdir({ a: 'one', b: 'one' })
  const [a, b] = [join(dir, 'a'), join(dir, 'b')]
  const seen = lookAtFiles([a])
  writeFileSync(a, 'two, longer')
  const { reloader, outcomes, next, close } = createReloader([
    { name: 'a', files: [a], seen, reload: () => ({}) },
    { name: 'b', files: [b], reload: () => ({}) },
  ])
  let outcome = next()
  reloader.watch()
  await outcome
  t.same(outcomes, ['a taken'])
  outcome = next()
  writeFileSync(b, 'two, longer')
  await outcome
  t.same(outcomes, ['a taken', 'b taken'])
  close()
})
