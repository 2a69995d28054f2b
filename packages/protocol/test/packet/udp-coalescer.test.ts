import { finishInSoftware, UdpCoalescer } from '@reversed-vpn/protocol'
import fc from 'fast-check'
import t from 'tap'
import { toHex } from '../hex.js'
import { pseudoHeaderOf } from './internet-checksum.js'
import { frame, NO_OFFLOAD, TCP4_CHECKSUM, TCP4_PACKET, TO_POD4, TO_POD6 } from './packet-samples.js'

// The same cases every time, or a test would fail for whoever comes by; another seed explores others.
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) })

interface Datagram {
  readonly version?: 4 | 6
  readonly payload?: string
  readonly identification?: number
  /** Bits of the IPv4 header's flags field. */
  readonly flags?: number
  readonly ttl?: number
  readonly sourcePort?: number
}

/** A frame as a kernel hands it over: the checksum of IPv4 in place, that of UDP left to the receiver. */
function datagram(given: Datagram = {}): Buffer {
  const { version = 4, payload = 'aabbccdd', identification = 7, flags = 0x4000, ttl = 64 } = given
  const udpBytes = 8 + payload.length / 2
  const udp = `${digits(given.sourcePort ?? 1024)} 0050 ${digits(udpBytes)} 0000 ${payload}`
  const ip =
    version === 4
      ? `4500 ${digits(20 + udpBytes)} ${digits(identification)} ${digits(flags)} ${digits(ttl, 2)}11 0000 ${TO_POD4}`
      : `6000 0000 ${digits(udpBytes)} 11${digits(ttl, 2)} ${TO_POD6}`
  const start = version === 4 ? '1400' : '2800'
  const built = Buffer.from(frame(`01 00 0000 0000 ${start} 0600 ${ip} ${udp}`))
  if (version === 4) built.writeUInt16BE(sumOf(built.subarray(10, 30)) ^ 0xffff, 20)
  const l4 = version === 4 ? 30 : 50
  built.writeUInt16BE(sumOf(pseudoHeaderOf(built.subarray(10))), l4 + 6)
  return built
}

function digits(value: number, count = 4): string {
  return value.toString(16).padStart(count, '0')
}

function sumOf(bytes: Uint8Array): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)
  return (sum & 0xffff) + (sum >>> 16)
}

/** What would be written to a device, one Buffer a frame. */
function coalesce(frames: readonly Buffer[]): Buffer[] {
  const coalescer = new UdpCoalescer()
  const written: Buffer[][] = []
  for (const given of frames.map((given) => Buffer.from(given))) {
    // Not at the start of its memory, as frames of a stream never are.
    const chunk = Buffer.concat([Buffer.alloc(3), given])
    const skipped = coalescer.add(chunk, 3, given.length)
    const rest = chunk.subarray(3 + skipped)
    if (skipped > 0) written.at(-1)?.push(rest)
    else written.push([rest])
  }
  coalescer.end()
  return written.map((pieces) => Buffer.concat(pieces))
}

t.test('makes one GSO packet of datagrams of a flow', async (t) => {
  const [only, ...others] = coalesce([0, 1, 2].map((index) => datagram({ payload: `aabbcc0${index}` })))
  t.same(others, [])
  t.equal(
    toHex(only ?? Buffer.alloc(0)),
    toHex(
      frame(
        `01 05 1c00 0400 1400 0600 4500 0028 0007 4000 4011 f40f ${TO_POD4} 0400 0050 0014 46d4 aabbcc00 aabbcc01 aabbcc02`,
      ),
    ),
  )
})

t.test('of IPv6 too', async (t) => {
  const written = coalesce([datagram({ version: 6 }), datagram({ version: 6 })])
  t.equal(written.length, 1)
  t.equal(written[0]?.toString('hex', 0, 18), toHex(frame('01 05 3000 0400 2800 0600 6000 0000 0010 1140')))
})

t.test('a datagram alone stays as it is', async (t) => {
  t.same(coalesce([datagram()]), [datagram()])
})

t.test('a shorter datagram is the last of its GSO packet', async (t) => {
  const short = datagram({ payload: 'aa' })
  const written = coalesce([datagram(), short, datagram(), datagram()])
  t.same(
    written.map((super_) => super_.length - 38),
    [5, 8],
  )
})

const APART: Readonly<Record<string, readonly [Buffer, Buffer]>> = {
  'of two flows': [datagram(), datagram({ sourcePort: 1025 })],
  'of two IP versions': [datagram(), datagram({ version: 6 })],
  'the second longer': [datagram(), datagram({ payload: 'aabbccddee' })],
  'of different hop limits': [datagram({ version: 6 }), datagram({ version: 6, ttl: 63 })],
  'of different times to live': [datagram(), datagram({ ttl: 63 })],
  'one of which may be fragmented': [datagram(), datagram({ flags: 0 })],
  'that may be fragmented, their identifications not in order': [
    datagram({ flags: 0, identification: 7 }),
    datagram({ flags: 0, identification: 9 }),
  ],
  'without payload': [datagram({ payload: '' }), datagram({ payload: '' })],
  'with complete checksums': [withHeader(NO_OFFLOAD, datagram()), withHeader(NO_OFFLOAD, datagram())],
  'with a wrong checksum in the IPv4 header': [datagram(), spoilt(datagram(), 20)],
  'with a wrong sum of the pseudo-header': [datagram(), spoilt(datagram(), 36)],
  'whose length is not that of the packet': [datagram(), spoilt(datagram(), 35)],
  'that are TCP': [
    Buffer.from(frame(`${TCP4_CHECKSUM} ${TCP4_PACKET}`)),
    Buffer.from(frame(`${TCP4_CHECKSUM} ${TCP4_PACKET}`)),
  ],
}

for (const [what, frames] of Object.entries(APART)) {
  t.test(`leaves packets apart ${what}`, async (t) => {
    t.same(coalesce(frames), frames)
  })
}

t.test(
  'joins packets that may be fragmented when their identifications count up, also past the end',
  async (t) => {
    const frames = [0xfffe, 0xffff, 0].map((identification) => datagram({ flags: 0, identification }))
    t.equal(coalesce(frames).length, 1)
  },
)

t.test('at most 64 datagrams and 65,535 bytes make one GSO packet', async (t) => {
  const small = coalesce(Array.from({ length: 65 }, () => datagram()))
  t.same(
    small.map(({ length }) => length),
    [38 + 64 * 4, 38 + 4],
  )
  const payload = 'ab'.repeat(1400)
  const large = coalesce(Array.from({ length: 64 }, () => datagram({ payload })))
  t.same(
    large.map(({ length }) => length),
    [38 + 46 * 1400, 38 + 18 * 1400],
  )
})

t.test('what the kernel makes of the GSO packets is what came in', async () => {
  const arbitrary = fc.array(
    fc.record({
      version: fc.constantFrom(4 as const, 6 as const),
      payload: fc.nat({ max: 3 }).map((bytes) => 'e7'.repeat(8 * bytes)),
      identification: fc.constantFrom(7, 8, 9, 10),
      flags: fc.constantFrom(0, 0x4000),
      ttl: fc.constantFrom(63, 64),
    }),
    { maxLength: 30 },
  )
  fc.assert(
    fc.property(arbitrary, (given) => {
      const frames = given.map((each, index) => datagram({ ...each, ttl: index % 5 === 0 ? each.ttl : 64 }))
      const segments = (all: readonly Buffer[]) =>
        all.flatMap((each) => finishInSoftware(each)).map(withoutAtomicId)
      const [before, after] = [segments(frames), segments(coalesce(frames))]
      return (
        before.length === after.length &&
        before.every((packet, index) => packet.equals(after[index] ?? packet.subarray(1)))
      )
    }),
    { numRuns: 500 },
  )
})

function withHeader(header: string, given: Buffer): Buffer {
  return Buffer.concat([frame(header), given.subarray(10)])
}

function spoilt(given: Buffer, at: number): Buffer {
  given[at] = (given[at] ?? 0) ^ 0x01
  return given
}

/** Without what means nothing in a packet that may not be fragmented: its identification, and the checksum with it. */
function withoutAtomicId(packet: Uint8Array): Buffer {
  const copy = Buffer.from(packet)
  if (copy.readUInt8() === 0x45 && (copy.readUInt16BE(6) & 0x4000) !== 0) copy.fill(0, 4, 6).fill(0, 10, 12)
  return copy
}
