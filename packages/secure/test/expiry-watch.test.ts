import { type CertificateFacts, ExpiryWatch } from '@reversed-vpn/secure'
import t from 'tap'

const DAY_MS = 86_400_000

/** One that lives from day 0 to that day. */
function certificate(name: string, endsAtDay: number): CertificateFacts {
  return {
    role: 'own',
    file: `/${name}.crt`,
    subject: `CN=${name}`,
    serial: '01',
    fingerprint: name,
    notBeforeMs: 0,
    notAfterMs: endsAtDay * DAY_MS,
  }
}

/** A watch at a time that is set by the test, and what it has told. */
function createWatch() {
  const told: string[] = []
  let day = 0
  const watch = new ExpiryWatch({
    onNear: ({ subject }, leftMs) => told.push(`${subject} ${leftMs / DAY_MS}`),
    nowMs: () => day * DAY_MS,
    intervalMs: 1,
  })
  // The watch does not keep the process alive itself.
  const alive = setInterval(() => {}, 1000)
  const close = () => {
    clearInterval(alive)
    watch.close()
  }
  /** What is told until two looks have passed on that day. */
  const onDay = async (next: number): Promise<string[]> => {
    day = next
    told.length = 0
    await new Promise((resolve) => setTimeout(resolve, 20))
    return [...told]
  }
  return { watch, told, onDay, close }
}

t.test('tells at once of one that ends soon, and again at each threshold', async (t) => {
  const { watch, told, onDay, close } = createWatch()
  await onDay(340)
  watch.set('tunnel', [certificate('a', 365), certificate('b', 400)])
  t.same(told, ['CN=a 25'])
  t.same(await onDay(341), [], 'once')
  t.same(await onDay(358), ['CN=a 7'])
  t.same(await onDay(370), ['CN=a -5', 'CN=b 30'], 'of what was slept through only the last')
  close()
})

t.test('says nothing of one that is renewed in time, or that lives shortly', async (t) => {
  const { watch, onDay, close } = createWatch()
  watch.set('tunnel', [certificate('short', 3)])
  t.same(await onDay(1), [])
  t.same(await onDay(2.5), ['CN=short 0.5'], 'in its last third')
  watch.set('tunnel', [certificate('next', 100)])
  t.same(await onDay(4), [])
  t.same([...watch.sets.keys()], ['tunnel'])
  close()
})

t.test('tells of an end when it comes, not at the next look', async (t) => {
  const told: number[] = []
  const endsAtMs = Date.now() + 500
  const ended = new Promise<void>((resolve) => {
    const onNear = (_: CertificateFacts, leftMs: number) => {
      told.push(leftMs)
      if (leftMs <= 0) resolve()
    }
    const watch = new ExpiryWatch({ onNear })
    watch.set('tunnel', [{ ...certificate('a', 0), notBeforeMs: endsAtMs - 10_000, notAfterMs: endsAtMs }])
    t.teardown(() => watch.close())
  })
  // The watch does not keep the process alive itself.
  const alive = setInterval(() => {}, 1000)
  await ended
  clearInterval(alive)
  t.strictSame(
    told.map((leftMs) => leftMs > 0),
    [true, false],
  )
})
