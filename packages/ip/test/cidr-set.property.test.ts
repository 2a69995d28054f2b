import assert from 'node:assert/strict'
import { type Cidr, CidrSet, parseCidr } from '@reversed-vpn/ip'
import fc from 'fast-check'
import { test } from 'tap'

// The same cases every time, or a test would fail for whoever comes by; another seed explores others.
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) })

// Few distinct bits, at both ends and in the middle, so that ranges meet, nest and overlap often.
const address4 = fc.integer({ min: 0, max: 255 }).map((bits) => (((bits & 0xf0) << 24) | (bits & 0x0f)) >>> 0)
const address6 = fc
  .integer({ min: 0, max: 255 })
  .map((bits) => (BigInt(bits & 0xc0) << 120n) | (BigInt(bits & 0x38) << 61n) | BigInt(bits & 7))
const cidr4 = fc
  .tuple(address4, fc.constantFrom(0, 1, 4, 5, 28, 30, 31, 32))
  .map(([address, length]) => masked(4, BigInt(address), length))
const cidr6 = fc
  .tuple(address6, fc.constantFrom(0, 1, 2, 60, 63, 64, 65, 126, 127, 128))
  .map(([address, length]) => masked(6, address, length))
const cidrs = fc.array(fc.oneof(cidr4, cidr6), { maxLength: 12 })

function masked(family: 4 | 6, address: bigint, length: number): Cidr {
  const hostBits = BigInt((family === 4 ? 32 : 128) - length)
  return parseCidr(`${text(family, (address >> hostBits) << hostBits)}/${length}`)
}

function text(family: 4 | 6, address: bigint): string {
  const digits = address.toString(16).padStart(family === 4 ? 8 : 32, '0')
  const parts = digits.match(family === 4 ? /../g : /..../g) ?? []
  return family === 4 ? parts.map((part) => Number.parseInt(part, 16)).join('.') : parts.join(':')
}

function isIn(list: readonly Cidr[], family: 4 | 6, address: bigint): boolean {
  return list.some((cidr) => cidr.family === family && cidr.first <= address && address <= cidr.last)
}

function bytesOf(address: bigint): Uint8Array {
  return Uint8Array.from(Buffer.from(address.toString(16).padStart(32, '0'), 'hex'))
}

test('holds an address exactly when one of its CIDRs does, however it is asked', async () => {
  fc.assert(
    fc.property(cidrs, address4, address6, (list, four, six) => {
      const set = CidrSet.of(list)
      assert.equal(set.contains4(four), isIn(list, 4, BigInt(four)))
      assert.equal(set.has(text(4, BigInt(four))), set.contains4(four))
      assert.equal(set.contains6(bytesOf(six), 0), isIn(list, 6, six))
      assert.equal(set.overlaps(CidrSet.of([masked(6, six, 128)])), isIn(list, 6, six))
    }),
  )
})

test('holds what is in the first set and not in the second after taking it out', async () => {
  fc.assert(
    fc.property(cidrs, cidrs, address4, address6, (list, removed, four, six) => {
      const set = CidrSet.of(list).without(CidrSet.of(removed))
      assert.equal(set.contains4(four), isIn(list, 4, BigInt(four)) && !isIn(removed, 4, BigInt(four)))
      assert.equal(set.contains6(bytesOf(six), 0), isIn(list, 6, six) && !isIn(removed, 6, six))
      assert.equal(set.overlaps(CidrSet.of(removed)), false)
    }),
  )
})

test('is the same set again when made from its own text', async () => {
  fc.assert(
    fc.property(cidrs, (list) => {
      const set = CidrSet.of(list)
      const again = CidrSet.of(set.toStrings())
      assert.deepEqual(again.toStrings(), set.toStrings())
      assert.equal(again.without(set).isEmpty && set.without(again).isEmpty, true)
    }),
  )
})

test('overlaps exactly when taking the other out changes it', async () => {
  fc.assert(
    fc.property(cidrs, cidrs, (left, right) => {
      const set = CidrSet.of(left)
      const other = CidrSet.of(right)
      assert.equal(set.overlaps(other), set.without(other).toStrings().join() !== set.toStrings().join())
      assert.equal(set.overlaps(other), other.overlaps(set))
    }),
  )
})
