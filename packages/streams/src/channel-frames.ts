import {
  STREAM_DATA_HEADER_BYTES,
  writeCredit,
  writeFin,
  writeOpen,
  writeOpened,
  writeRefused,
  writeReset,
  writeStreamDataHeader,
} from '@reversed-vpn/protocol'
import type { Channel } from './channel.js'
import type { Head } from './channel-hub.js'
import { type SentFrame, takeFrame } from './sent-frame.js'

const MAX_HEAD_BYTES = 300
const MAX_SHORT_BYTES = 16

/**
 * Makes the next frame of a channel, of at most so much data: what was lost first, then in the order of the wire's rules.
 * undefined: none for now, and the channel is ready again when there is.
 */
export function buildNextFrame(channel: Channel, maxDataBytes: number): SentFrame | undefined {
  const lost = channel.resend.shift()
  if (lost !== undefined) return lost
  if (channel.head !== undefined) return buildHead(channel, channel.head)
  if (channel.resetDue !== undefined) return buildReset(channel)
  if (channel.isCreditDue) return buildCredit(channel)
  const dataBytes = channel.sendable(maxDataBytes)
  if (dataBytes > 0) return channel.hub.mayKeepData(channel) ? buildData(channel, dataBytes) : undefined
  return channel.phase === 'open' && channel.isFinDue ? buildFin(channel) : undefined
}

function buildHead(channel: Channel, head: Head): SentFrame {
  const frame = frameFor(channel, MAX_HEAD_BYTES)
  const { buffer } = frame
  const { windowBytes } = channel.window
  channel.head = undefined
  if (head.name === 'OPEN') {
    channel.id = channel.hub.nextId(channel)
    frame.bytes = writeOpen(buffer, 0, channel.id, windowBytes, head.request)
  } else if (head.name === 'OPENED') {
    frame.bytes = writeOpened(buffer, 0, channel.id, windowBytes, head.address)
  } else {
    frame.bytes = writeRefused(buffer, 0, channel.id, head.reason, head.detail)
    channel.sentLast()
  }
  return frame
}

function buildReset(channel: Channel): SentFrame {
  const frame = frameFor(channel, MAX_SHORT_BYTES)
  frame.bytes = writeReset(frame.buffer, 0, channel.id, channel.resetDue ?? 'internal')
  channel.resetDue = undefined
  if (channel.phase === 'answering') channel.sentLast()
  return frame
}

function buildCredit(channel: Channel): SentFrame {
  const frame = frameFor(channel, MAX_SHORT_BYTES)
  const bytes = channel.window.dueBytes
  channel.window.grant(bytes)
  frame.bytes = writeCredit(frame.buffer, 0, channel.id, bytes)
  return frame
}

function buildData(channel: Channel, dataBytes: number): SentFrame {
  const frame = frameFor(channel, STREAM_DATA_HEADER_BYTES + dataBytes)
  writeStreamDataHeader(frame.buffer, 0, channel.id, dataBytes)
  frame.bytes = STREAM_DATA_HEADER_BYTES + dataBytes
  frame.dataBytes = dataBytes
  channel.takeData(frame.buffer, STREAM_DATA_HEADER_BYTES, dataBytes)
  return frame
}

function buildFin(channel: Channel): SentFrame {
  const frame = frameFor(channel, MAX_SHORT_BYTES)
  frame.bytes = writeFin(frame.buffer, 0, channel.id)
  channel.sentFin()
  return frame
}

function frameFor(channel: Channel, bytes: number): SentFrame {
  const frame = takeFrame(bytes)
  frame.channel = channel
  frame.dataBytes = 0
  return frame
}
