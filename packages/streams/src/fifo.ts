/** A queue whose ends cost the same however long it is. */
export class Fifo<Item> {
  #items: (Item | undefined)[] = []
  #head = 0

  get length(): number {
    return this.#items.length - this.#head
  }

  push(item: Item): void {
    this.#items.push(item)
  }

  /** Puts items, in their order, before all others. */
  pushBefore(items: readonly Item[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)]
    this.#head = 0
  }

  shift(): Item | undefined {
    if (this.#head === this.#items.length) return undefined
    const item = this.#items[this.#head]
    this.#items[this.#head++] = undefined
    if (this.#head === this.#items.length) {
      this.#items.length = 0
      this.#head = 0
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head)
      this.#head = 0
    }
    return item
  }

  /** All that is in it, and stays. */
  peekAll(): Item[] {
    return this.#items.slice(this.#head) as Item[]
  }

  /** Takes all that is in it. */
  drain(): Item[] {
    const items = this.peekAll()
    this.#items = []
    this.#head = 0
    return items
  }
}
