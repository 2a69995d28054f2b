import { writeFrameHeader } from '@reversed-vpn/protocol'
import { test } from 'tap'
import { toHex } from './hex.js'

test('writes the type, then the length with its highest byte first', async (t) => {
  const target = new Uint8Array(4)
  writeFrameHeader(target, 0, 5, 0x010203)
  t.equal(toHex(target), '05010203')
})

test('writes at the offset and leaves the bytes around it alone', async (t) => {
  const target = new Uint8Array(8).fill(0xee)
  writeFrameHeader(target, 2, 0, 65_545)
  t.equal(toHex(target), 'eeee00010009eeee')
})

test('writes the largest type and length that a header can hold', async (t) => {
  const target = new Uint8Array(4)
  writeFrameHeader(target, 0, 255, 0xffffff)
  t.equal(toHex(target), 'ffffffff')
})
