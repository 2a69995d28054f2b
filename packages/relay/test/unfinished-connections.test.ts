import { PassThrough } from 'node:stream'
import { UnfinishedConnections } from '@reversed-vpn/relay'
import type { UnfinishedLimits } from '@reversed-vpn/relay/testing'
import t from 'tap'

function create(limits: UnfinishedLimits) {
  const dropped: string[] = []
  const unfinished = new UnfinishedConnections(
    ({ remoteAddress }, reason) => dropped.push(`${remoteAddress} ${reason}`),
    limits,
  )
  const come = (remoteAddress: string, source = remoteAddress) => {
    const connection = unfinished.admit(new PassThrough(), remoteAddress)
    unfinished.attribute(connection, source)
    return connection
  }
  return { unfinished, dropped, come }
}

t.test('one more than may be unfinished drops the oldest', async (t) => {
  const { unfinished, dropped, come } = create({ max: 2, maxPerSource: 2 })
  const first = come('192.0.2.1')
  const second = come('192.0.2.2')
  come('192.0.2.3')
  t.strictSame(dropped, ['192.0.2.1 too-many-handshakes'])
  t.match([first, second], [{ isDropped: true }, { isDropped: false }])
  t.match([first.stream.destroyed, second.stream.destroyed], [true, false])
  t.equal(unfinished.size, 2)
})

t.test('one more than a source may have drops the oldest of that source, nobody else', async (t) => {
  const { dropped, come } = create({ max: 10, maxPerSource: 2 })
  const other = come('192.0.2.9')
  for (let i = 0; i < 3; i++) come('192.0.2.1')
  t.strictSame(dropped, ['192.0.2.1 source-limit'])
  t.equal(other.isDropped, false)
})

t.test('a source is one IPv4 address, in whatever clothes, or a /64 of IPv6', async (t) => {
  const { dropped, come } = create({ max: 10, maxPerSource: 1 })
  come('192.0.2.1')
  come('::ffff:192.0.2.1')
  come('2001:db8::1')
  come('2001:db8::ffff:2')
  come('2001:db8:0:1::1')
  t.strictSame(dropped, ['192.0.2.1 source-limit', '2001:db8::1 source-limit'])
})

t.test('what is no address, and what is attributed to nobody, counts for no source', async (t) => {
  const { unfinished, dropped, come } = create({ max: 10, maxPerSource: 1 })
  come('unknown')
  come('unknown')
  unfinished.admit(new PassThrough(), '192.0.2.1')
  unfinished.admit(new PassThrough(), '192.0.2.1')
  t.strictSame(dropped, [])
})

t.test('who has finished or is gone counts no more', async (t) => {
  const { unfinished, dropped, come } = create({ max: 2, maxPerSource: 1 })
  unfinished.finish(come('192.0.2.1'))
  const gone = come('192.0.2.1')
  const closed = new Promise((resolve) => gone.stream.once('close', resolve))
  gone.stream.destroy(new Error('nobody has to hear of this'))
  await closed
  come('192.0.2.1')
  t.strictSame(dropped, [])
  t.equal(unfinished.size, 1)
})

t.test('all can be cut at once, which is no news to anybody', async (t) => {
  const { unfinished, dropped, come } = create({ max: 10, maxPerSource: 10 })
  const all = [come('192.0.2.1'), come('192.0.2.2')]
  unfinished.destroyAll()
  t.ok(all.every(({ stream, isDropped }) => stream.destroyed && isDropped))
  t.strictSame(dropped, [])
})
