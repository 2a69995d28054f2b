import { isTcp } from '../flow-ledger.js'
import type { PacketDiverter } from '../lane/lane-sender.js'
import { ASKED_BYTES } from '../limits.js'

export interface AskingDiverterOptions {
  /** Sends a packet on the lane that read it. */
  readonly send: (packet: Uint8Array) => void
  /** Asks the main thread, which answers by {@link AskingDiverter.onAnswer}. */
  readonly ask: (packets: readonly Uint8Array[], askedBytes: number) => void
}

/**
 * While a session drains: which session a connection inside belongs to only the main thread knows, so TCP packets that this thread
 * reads are taken out and asked about, all of a batch at once. What has too much company on its way is dropped, as by a full queue.
 */
export class AskingDiverter {
  readonly #options: AskingDiverterOptions
  #packets: Uint8Array[] = []
  #packetsBytes = 0
  #askedBytes = 0

  constructor(options: AskingDiverterOptions) {
    this.#options = options
  }

  readonly divert: PacketDiverter = (bytes, payloadOffset, payloadBytes) => {
    if (!isTcp(bytes, payloadOffset)) return false
    if (this.#askedBytes + payloadBytes > ASKED_BYTES) return true
    if (this.#packets.length === 0) queueMicrotask(() => this.#ask())
    // The batch is overwritten: this is a copy with memory of its own.
    this.#packets.push(Uint8Array.from(bytes.subarray(payloadOffset, payloadOffset + payloadBytes)))
    this.#packetsBytes += payloadBytes
    this.#askedBytes += payloadBytes
    return true
  }

  /** Of `askedBytes`, `packets` are this lane's to send. */
  onAnswer(packets: readonly Uint8Array[], askedBytes: number): void {
    this.#askedBytes -= askedBytes
    for (const packet of packets) this.#options.send(packet)
  }

  #ask(): void {
    const [packets, bytes] = [this.#packets, this.#packetsBytes]
    this.#packets = []
    this.#packetsBytes = 0
    this.#options.ask(packets, bytes)
  }
}
