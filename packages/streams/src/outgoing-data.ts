/** What was written to a stream and is in no frame yet. The chunks of the writer are left alone, then copied into frames. */
export class OutgoingData {
  waitingBytes = 0
  #chunks: readonly Uint8Array[] = []
  #index = 0
  #offset = 0
  #onTaken: (() => void) | undefined

  /** Takes chunks after those before were taken. `onTaken` is called once all are in frames, unless `clear` was. */
  put(chunks: readonly Uint8Array[], onTaken: () => void): void {
    this.#chunks = chunks
    this.#index = 0
    this.#offset = 0
    for (const chunk of chunks) this.waitingBytes += chunk.length
    this.#onTaken = onTaken
    if (this.waitingBytes === 0) this.#taken()
  }

  /** Moves so many bytes, at most those that wait, to `target`. */
  take(target: Buffer, offset: number, bytes: number): void {
    const end = offset + bytes
    for (let at = offset; at < end; ) {
      const chunk = this.#chunks[this.#index] as Uint8Array
      const part = Math.min(end - at, chunk.length - this.#offset)
      target.set(part === chunk.length ? chunk : chunk.subarray(this.#offset, this.#offset + part), at)
      at += part
      this.#offset += part
      if (this.#offset < chunk.length) continue
      this.#index++
      this.#offset = 0
    }
    this.waitingBytes -= bytes
    if (this.waitingBytes === 0) this.#taken()
  }

  clear(): void {
    this.waitingBytes = 0
    this.#chunks = []
    this.#onTaken = undefined
  }

  #taken(): void {
    const onTaken = this.#onTaken
    this.clear()
    onTaken?.()
  }
}
