import {
  CONTROL_VERSION,
  FRAME_HEADER_BYTES,
  FRAME_TYPE,
  type FrameTypeName,
  MAX_CONTROL_PAYLOAD_BYTES,
  MAX_REASON_CHARACTERS,
} from './constants.js'
import type { ControlMessage, ControlName } from './control-message.js'
import { CONTROL_SCHEMAS } from './control-schema.js'
import { TunnelError } from './errors.js'
import { writeFrameHeader } from './frame-encoder.js'
import { ShapeError } from './shape.js'

// `ignoreBOM` keeps the mark in the text, where JSON.parse refuses it (RFC 8259 §8.1).
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The whole frame, header and JSON, in a new Buffer. Reasons above `MAX_REASON_CHARACTERS` are cut.
 *
 * @throws TunnelError ERR_CONTROL_INVALID for a message that no peer would take, ERR_FRAME_TOO_LARGE above
 * `MAX_CONTROL_PAYLOAD_BYTES`; neither has a close code, since both are this side's mistake
 */
export function encodeControl(message: ControlMessage): Buffer {
  const { type, ...fields } = withShortReason(message)
  const checked = check(type, fields, (text) => new TunnelError('ERR_CONTROL_INVALID', text))
  const payload = Buffer.from(JSON.stringify(checked))
  const payloadBytes = payload.length
  if (payloadBytes > MAX_CONTROL_PAYLOAD_BYTES) {
    throw new TunnelError(
      'ERR_FRAME_TOO_LARGE',
      `${type} of ${payloadBytes} B exceeds ${MAX_CONTROL_PAYLOAD_BYTES} B`,
    )
  }
  const frame = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payloadBytes)
  writeFrameHeader(frame, 0, FRAME_TYPE[type], payloadBytes)
  frame.set(payload, FRAME_HEADER_BYTES)
  return frame
}

/**
 * Reads the payload of a control frame. The result shares nothing with `payload`.
 *
 * @param frameType `FRAME_TYPE.HELLO` to `FRAME_TYPE.CLOSE`
 * @throws TunnelError with a close code: ERR_CONTROL_INVALID; ERR_FRAME_TOO_LARGE above `MAX_CONTROL_PAYLOAD_BYTES`;
 * ERR_VERSION_UNSUPPORTED for a HELLO or WELCOME of another version, whatever else is in it; ERR_FRAME_UNEXPECTED
 * when `frameType` is no control frame
 */
export function decodeControl(frameType: number, payload: Uint8Array): ControlMessage {
  const name = controlNameOf(frameType)
  if (payload.length > MAX_CONTROL_PAYLOAD_BYTES) {
    throw new TunnelError(
      'ERR_FRAME_TOO_LARGE',
      `${name} of ${payload.length} B exceeds ${MAX_CONTROL_PAYLOAD_BYTES} B`,
      { closeCode: 'frame-too-large' },
    )
  }
  const fields = parseObject(name, payload)
  if (name === 'HELLO' || name === 'WELCOME') checkVersion(name, fields)
  return { type: name, ...check(name, fields, invalid) } as ControlMessage
}

// A reason is often the message of an error. If it is too long, the CLOSE must still be sent.
function withShortReason(message: ControlMessage): ControlMessage {
  if (message.type !== 'CLOSE' && message.type !== 'REJECT') return message
  if (message.reason.length <= MAX_REASON_CHARACTERS) return message
  return { ...message, reason: message.reason.slice(0, MAX_REASON_CHARACTERS) }
}

const CONTROL_NAMES = new Map<number, ControlName>(
  (Object.keys(CONTROL_SCHEMAS) as ControlName[]).map((name) => [
    FRAME_TYPE[name satisfies FrameTypeName],
    name,
  ]),
)

function controlNameOf(frameType: number): ControlName {
  const name = CONTROL_NAMES.get(frameType)
  if (name !== undefined) return name
  throw new TunnelError('ERR_FRAME_UNEXPECTED', `frame of type ${frameType} is no control frame`, {
    closeCode: 'unexpected-frame',
  })
}

function parseObject(name: ControlName, payload: Uint8Array): object {
  let value: unknown
  try {
    value = JSON.parse(utf8.decode(payload))
  } catch {
    // Without its cause: errors are logged, and a SyntaxError quotes the text around it, which may be a token.
    throw invalid(`${name} is not JSON in UTF-8`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid(`${name} is not a JSON object`)
  }
  return value
}

function checkVersion(name: ControlName, fields: object): void {
  const version: unknown = 'version' in fields ? fields.version : undefined
  if (!Number.isInteger(version) || version === CONTROL_VERSION) return
  throw new TunnelError('ERR_VERSION_UNSUPPORTED', `${name} of version ${version}, not ${CONTROL_VERSION}`, {
    closeCode: 'protocol-error',
  })
}

function invalid(message: string): TunnelError {
  return new TunnelError('ERR_CONTROL_INVALID', message, { closeCode: 'bad-control' })
}

/** Errors name the path to the bad value: the peer gets this text as the reason of a CLOSE. */
function check(name: ControlName, fields: object, fail: (text: string) => TunnelError): object {
  try {
    return CONTROL_SCHEMAS[name](fields)
  } catch (error) {
    throw error instanceof ShapeError ? fail(`${[name, ...error.path].join('.')}: ${error.message}`) : error
  }
}
