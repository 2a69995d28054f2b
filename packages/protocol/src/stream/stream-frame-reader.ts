import { formatAddress, parseAddress } from '@reversed-vpn/ip'
import { FRAME_TYPE } from '../constants.js'
import { TunnelError } from '../errors.js'
import type { FrameView } from '../frame-view.js'
import {
  MAX_STREAM_WINDOW_BYTES,
  REFUSED_REASONS,
  RESET_REASONS,
  type RefusedReason,
  type ResetReason,
} from './stream-constants.js'
import type { OpenRequest } from './stream-frame-encoder.js'

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

interface Refusal {
  readonly reason: RefusedReason
  /** For people, up to 200 bytes of UTF-8. */
  readonly detail: string
}

/**
 * Reads frames of streams. The fixed part of a frame is in the fields until the next {@link read}, which allocates nothing; texts
 * and addresses are read apart.
 */
export class StreamFrameReader {
  /** Of the stream; in RESUME the number of the lane; 0 in RECEIVED. */
  id = 0
  /** The window of OPEN and OPENED and the bytes of CREDIT; the frames of RECEIVED and RESUME; the code of REFUSED and RESET. */
  value = 0
  readonly #scratch = new Uint8Array(12)

  /**
   * @param view whose length was checked by the decoder
   * @throws TunnelError ERR_STREAM_FRAME_INVALID (with a close code) for a value that SPEC.md does not allow
   */
  read(view: FrameView): void {
    const bytes = view.prefix(12, this.#scratch)
    const at = view.prefixOffset
    const first = readU48(bytes, at)
    this.value = 0
    if (view.type === FRAME_TYPE.RECEIVED) {
      this.id = 0
      this.value = first
      return
    }
    if (first === 0) throw invalid(`frame of type ${view.type} for 0`)
    this.id = first
    if (view.type === FRAME_TYPE.RESUME) this.value = readU48(bytes, at + 6)
    else if (HAS_BYTES[view.type] === true) this.value = checkBytes(readU32(bytes, at + 6))
    else if (view.type === FRAME_TYPE.REFUSED) this.value = checkCode(bytes[at + 6], REFUSED_REASONS)
    else if (view.type === FRAME_TYPE.RESET) this.value = checkCode(bytes[at + 6], RESET_REASONS)
  }

  /** Why the RESET that was read came. */
  get resetReason(): ResetReason {
    return RESET_REASONS[this.value - 1] as ResetReason
  }

  /** What an OPEN asks for. @throws TunnelError ERR_STREAM_FRAME_INVALID */
  readOpen(view: FrameView): OpenRequest {
    const payload = view.copyPayload()
    const flags = payload.readUInt8(10)
    const port = payload.readUInt16BE(11)
    const host = payload.toString('latin1', 13)
    if (flags > 1) throw invalid(`OPEN with flags ${flags}`)
    if (port === 0) throw invalid('OPEN for port 0')
    if (!/^[!-~]+$/.test(host)) throw invalid('OPEN for a host that is not printable ASCII')
    const isName = flags === 1
    if (!isName && canonicalTextOf(host) !== host)
      throw invalid('OPEN for a host that is no canonical address')
    return { host, port, isName }
  }

  /** The canonical address that an OPENED names. */
  readOpened(view: FrameView): string {
    const hex = view.copyPayload().toString('hex', 10)
    return formatAddress({ family: hex.length === 8 ? 4 : 6, value: BigInt(`0x${hex}`) })
  }

  /** What a REFUSED says. @throws TunnelError ERR_STREAM_FRAME_INVALID */
  readRefused(view: FrameView): Refusal {
    try {
      const detail = utf8.decode(view.copyPayload().subarray(7))
      return { reason: REFUSED_REASONS[this.value - 1] as RefusedReason, detail }
    } catch {
      throw invalid('REFUSED with a detail that is not UTF-8')
    }
  }
}

const HAS_BYTES: Readonly<Record<number, boolean>> = {
  [FRAME_TYPE.OPEN]: true,
  [FRAME_TYPE.OPENED]: true,
  [FRAME_TYPE.CREDIT]: true,
}

function canonicalTextOf(host: string): string | undefined {
  const address = parseAddress(host)
  return address === undefined ? undefined : formatAddress(address)
}

function checkBytes(bytes: number): number {
  if (bytes >= 1 && bytes <= MAX_STREAM_WINDOW_BYTES) return bytes
  throw invalid(`window or credit of ${bytes} B is not 1 to ${MAX_STREAM_WINDOW_BYTES} B`)
}

function checkCode(code: number | undefined, reasons: readonly string[]): number {
  if (code !== undefined && code >= 1 && code <= reasons.length) return code
  throw invalid(`reason ${code} is not 1 to ${reasons.length}`)
}

function invalid(message: string): TunnelError {
  return new TunnelError('ERR_STREAM_FRAME_INVALID', message, { closeCode: 'protocol-error' })
}

function readU32(bytes: Uint8Array, at: number): number {
  const low = ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)
  return (bytes[at] as number) * 0x100_0000 + low
}

function readU48(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 8) | (bytes[at + 1] as number)
  return high * 0x1_0000_0000 + readU32(bytes, at + 2)
}
