import { PassThrough } from 'node:stream'
import { Admission } from '@reversed-vpn/relay'
import { type AdmissionLimits, sourceOf } from '@reversed-vpn/relay/testing'
import t from 'tap'

function create(
  limits: Omit<AdmissionLimits, 'whenFull'>,
  whenFull: AdmissionLimits['whenFull'] = 'drop-oldest',
) {
  const dropped: string[] = []
  const admission = new Admission(
    { ...limits, whenFull },
    { onDropped: ({ remoteAddress }, reason) => dropped.push(`${remoteAddress} ${reason}`) },
  )
  const come = (remoteAddress: string, source = remoteAddress) => {
    const connection = admission.enter(new PassThrough(), remoteAddress)
    admission.attribute(connection, source)
    return connection
  }
  return { admission, dropped, come }
}

t.test('one more than may be admitted drops the oldest', async (t) => {
  const { admission, dropped, come } = create({ max: 2, maxPerSource: 2 })
  const first = come('192.0.2.1')
  const second = come('192.0.2.2')
  come('192.0.2.3')
  t.strictSame(dropped, ['192.0.2.1 limit'])
  t.match([first, second], [{ dropped: 'limit' }, { dropped: undefined }])
  t.match([first.stream.destroyed, second.stream.destroyed], [true, false])
  t.equal(admission.size, 2)
})

t.test('one more than a source may have drops the oldest of that source, nobody else', async (t) => {
  const { dropped, come } = create({ max: 10, maxPerSource: 2 })
  const other = come('192.0.2.9')
  for (let i = 0; i < 3; i++) come('192.0.2.1')
  t.strictSame(dropped, ['192.0.2.1 source-limit'])
  t.equal(other.dropped, undefined)
})

t.test('a source is one IPv4 address, however it is written, or a /64 of IPv6', async (t) => {
  const { dropped, come } = create({ max: 10, maxPerSource: 1 })
  come('192.0.2.1')
  come('::ffff:192.0.2.1')
  come('2001:db8::1')
  come('2001:db8::ffff:2')
  come('2001:db8:0:1::1')
  t.strictSame(dropped, ['192.0.2.1 source-limit', '2001:db8::1 source-limit'])
})

t.test('what is no address, and what is attributed to nobody, counts for no source', async (t) => {
  const { admission, dropped, come } = create({ max: 10, maxPerSource: 1 })
  come('unknown')
  come('unknown')
  admission.enter(new PassThrough(), '192.0.2.1')
  admission.enter(new PassThrough(), '192.0.2.1')
  t.strictSame(dropped, [])
})

t.test('who has finished or is gone counts no more', async (t) => {
  const { admission, dropped, come } = create({ max: 2, maxPerSource: 1 })
  admission.finish(come('192.0.2.1'))
  const gone = come('192.0.2.1')
  const closed = new Promise((resolve) => gone.stream.once('close', resolve))
  gone.stream.destroy(new Error('nobody has to hear of this'))
  await closed
  come('192.0.2.1')
  t.strictSame(dropped, [])
  t.equal(admission.size, 1)
})

t.test('all can be cut at once, which is no news to anybody', async (t) => {
  const { admission, dropped, come } = create({ max: 10, maxPerSource: 10 })
  const all = [come('192.0.2.1'), come('192.0.2.2')]
  admission.destroyAll()
  t.ok(all.every(({ stream, dropped }) => stream.destroyed && dropped === 'closed'))
  t.strictSame(dropped, [])
})

t.test('where new ones are refused, the others stay', async (t) => {
  const { admission, dropped, come } = create({ max: 3, maxPerSource: 2 }, 'refuse-new')
  const first = [come('192.0.2.1'), come('::ffff:192.0.2.1')]
  const third = come('192.0.2.1')
  t.match(third, { dropped: 'source-limit', stream: { destroyed: true } })
  come('192.0.2.2')
  t.equal(admission.sources, 2)
  t.match(come('192.0.2.3'), { dropped: 'limit', stream: { destroyed: true } })
  t.strictSame(dropped, ['192.0.2.1 source-limit', '192.0.2.3 limit'])
  t.ok(first.every(({ stream }) => !stream.destroyed))
  t.equal(admission.size, 3)
  for (const entry of first) admission.finish(entry)
  t.equal(admission.sources, 1)
})

t.test('a source has one name', async (t) => {
  t.equal(sourceOf('192.0.2.1'), sourceOf('::ffff:192.0.2.1'))
  t.equal(sourceOf('fe80::1%eth0'), sourceOf('fe80::2'))
  t.not(sourceOf('2001:db8::1'), sourceOf('2001:db8:0:1::1'))
  t.equal(sourceOf('unknown'), undefined)
})
