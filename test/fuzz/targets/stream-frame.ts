import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import {
  FRAME_TYPE,
  FrameDecoder,
  type FrameView,
  StreamFrameReader,
  TunnelError,
  writeOpen,
  writeOpened,
  writeReceived,
  writeRefused,
  writeReset,
  writeResume,
} from '@reversed-vpn/protocol'
import { readChunked, writeChunked } from '../chunked-input.js'
import type { FuzzTarget } from '../fuzz-target.js'

const MAX_WINDOW = 16_777_216

/** What SPEC.md makes of the payload of one frame; undefined: the lane has to end. */
function expectedOf(type: number, payload: Buffer): string | undefined {
  const id = payload.readUIntBE(0, 6)
  const isWindow = (bytes: number) => bytes >= 1 && bytes <= MAX_WINDOW
  if (type === 71) return `received ${id}`
  if (id === 0) return undefined
  switch (type) {
    case 64: {
      const window = payload.readUInt32BE(6)
      const [flags = 0, high = 0, low = 0, ...letters] = payload.subarray(10)
      const port = 256 * high + low
      const host = String.fromCharCode(...letters)
      const isText = letters.every((letter) => letter > 0x20 && letter < 0x7f)
      if (!isWindow(window) || flags > 1 || port === 0 || !isText) return undefined
      if (flags === 0 && !isAddress(host)) return undefined
      return `open ${id} ${window} ${flags} ${port} ${host}`
    }
    case 65: {
      const window = payload.readUInt32BE(6)
      return isWindow(window) ? `opened ${id} ${window} ${payload.toString('hex', 10)}` : undefined
    }
    case 66: {
      const detail = payload.subarray(7)
      const isUtf8 = Buffer.from(detail.toString('utf8')).equals(detail)
      const code = payload.readUInt8(6)
      return code >= 1 && code <= 13 && isUtf8 ? `refused ${id} ${code} ${detail.toString('hex')}` : undefined
    }
    case 68: {
      const bytes = payload.readUInt32BE(6)
      return isWindow(bytes) ? `credit ${id} ${bytes}` : undefined
    }
    case 70: {
      const code = payload.readUInt8(6)
      return code >= 1 && code <= 9 ? `reset ${id} ${code}` : undefined
    }
    case 72:
      return `resume ${id} ${payload.readUIntBE(6, 6)}`
    default:
      return `${type} ${id}`
  }
}

/** By the platform's own parser. How IPv6 is written is for the tests of addresses: two texts of one are left to the reader. */
function isAddress(host: string): boolean {
  return isIPv4(host) || (isIPv6(host) && !host.includes('%'))
}

/** What the reader makes of a frame, in the words of {@link expectedOf}. */
function readOf(reader: StreamFrameReader, view: FrameView): string {
  reader.read(view)
  const { id, value } = reader
  switch (view.type) {
    case FRAME_TYPE.OPEN: {
      const { host, port, isName } = reader.readOpen(view)
      return `open ${id} ${value} ${isName ? 1 : 0} ${port} ${host}`
    }
    case FRAME_TYPE.OPENED: {
      const again = new Uint8Array(64)
      const bytes = writeOpened(again, 0, id, value, reader.readOpened(view))
      return `opened ${id} ${value} ${Buffer.from(again.subarray(14, bytes)).toString('hex')}`
    }
    case FRAME_TYPE.REFUSED:
      return `refused ${id} ${value} ${Buffer.from(reader.readRefused(view).detail).toString('hex')}`
    case FRAME_TYPE.CREDIT:
      return `credit ${id} ${value}`
    case FRAME_TYPE.RESET:
      return `reset ${id} ${value}`
    case FRAME_TYPE.RECEIVED:
      return `received ${value}`
    case FRAME_TYPE.RESUME:
      return `resume ${id} ${value}`
    default:
      return `${view.type} ${id}`
  }
}

/** A stream of frames, cut as the input says. The decoder has a target of its own, so what it refuses is not looked at here. */
function fuzz(input: Buffer): void {
  const reader = new StreamFrameReader()
  const decoder = new FrameDecoder({ onFrame: (view) => check(reader, view) })
  try {
    for (const chunk of readChunked(input).chunks) decoder.push(chunk)
  } catch (error) {
    if (!(error instanceof TunnelError)) throw error
    assert.ok(error.closeCode !== undefined, 'there is a code to close with')
  }
}

function check(reader: StreamFrameReader, view: FrameView): void {
  if (view.type < FRAME_TYPE.OPEN) return
  const expected = expectedOf(view.type, view.copyPayload())
  let seen: string | undefined
  try {
    seen = readOf(reader, view)
  } catch (error) {
    if (!(error instanceof TunnelError)) throw error
    assert.equal(error.code, 'ERR_STREAM_FRAME_INVALID')
    assert.equal(error.closeCode, 'protocol-error')
    if (error.message.endsWith('no canonical address') && expected?.includes(':')) return
  }
  assert.equal(seen, expected)
}

function written(write: (target: Uint8Array) => number): Buffer {
  const target = new Uint8Array(300)
  return Buffer.from(target.subarray(0, write(target)))
}

function seeds(): Record<string, Uint8Array> {
  const open = (host: string, isName: boolean) =>
    written((to) => writeOpen(to, 0, 1, 262_144, { host, port: 443, isName }))
  const reset = written((to) => writeReset(to, 0, 1, 'cancelled'))
  const oddReset = Buffer.from(reset)
  oddReset.writeUInt8(10, 10)
  return {
    'open-ipv4': writeChunked(open('10.96.0.1', false)),
    'open-ipv6': writeChunked(open('2001:db8::1', false), [1]),
    'open-mapped': writeChunked(open('::ffff:10.0.0.1', false)),
    'open-name': writeChunked(open('node-1', true), [5, 2]),
    'open-name-as-address': writeChunked(open('node-1', false)),
    opened: writeChunked(written((to) => writeOpened(to, 0, 1, 65_536, '2001:db8::1'))),
    refused: writeChunked(written((to) => writeRefused(to, 0, 2, 'no-address', 'none: \u00fc'))),
    'reset-unknown-reason': writeChunked(oddReset, [10]),
    'reset-then-counts': writeChunked(
      Buffer.concat([
        reset,
        written((to) => writeReceived(to, 0, 2)),
        written((to) => writeResume(to, 0, 258, 66_051)),
      ]),
      [7],
    ),
  }
}

export const target: FuzzTarget = { fuzz, seeds }
