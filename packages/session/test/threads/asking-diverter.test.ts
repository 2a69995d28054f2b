import { ASKED_BYTES, AskingDiverter } from '@reversed-vpn/session'
import t from 'tap'
import { superFrame, udpFrame } from '../fixtures.js'

function create() {
  const asked: { packets: readonly Uint8Array[]; askedBytes: number }[] = []
  const sent: Uint8Array[] = []
  const diverter = new AskingDiverter({
    send: (packet) => sent.push(packet),
    ask: (packets, askedBytes) => asked.push({ packets, askedBytes }),
  })
  const divert = (frame: Buffer) => diverter.divert(frame, 0, frame.length)
  return { diverter, divert, asked, sent }
}

t.test('asks about the TCP packets of a batch at once, by copies, and sends what comes back', async (t) => {
  const { diverter, divert, asked, sent } = create()
  const frames = [superFrame(Buffer.from('one')), superFrame(Buffer.from('two'))]
  const copies = frames.map((frame) => Uint8Array.from(frame))
  t.ok(frames.every(divert))
  t.notOk(divert(udpFrame(Buffer.from('a datagram'))), 'others are sent at once')
  for (const frame of frames) frame.fill(0)
  t.strictSame(asked, [], 'the batch is not over')
  await Promise.resolve()
  const askedBytes = copies.reduce((sum, copy) => sum + copy.length, 0)
  t.strictSame(asked, [{ packets: copies, askedBytes }])
  diverter.onAnswer(copies.slice(1), askedBytes)
  t.strictSame(sent, copies.slice(1))
})

t.test('drops what has too much company on its way, until it is answered', async (t) => {
  const { diverter, divert, asked } = create()
  const frame = superFrame(Buffer.alloc(60_000))
  const fitting = Math.floor(ASKED_BYTES / frame.length)
  for (let count = 0; count < fitting + 10; count++) t.ok(divert(frame))
  await Promise.resolve()
  t.equal(asked[0]?.packets.length, fitting)
  diverter.onAnswer([], asked[0]?.askedBytes ?? 0)
  divert(frame)
  await Promise.resolve()
  t.equal(asked[1]?.packets.length, 1)
})
