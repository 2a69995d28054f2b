/** One step of the ladder: a layer alone, in this process. */
export interface LadderStep {
  /** With the sizes. */
  readonly name: string
  /** What one operation is. */
  readonly operation: string
  readonly bytesPerOperation: number
  prepare(): Promise<PreparedStep>
}

export interface PreparedStep extends AsyncDisposable {
  /** Works for about this long. @returns how many operations were done */
  run(milliseconds: number): Promise<number>
}

const CLOCK_EVERY_MS = 0.5

/** A step without waiting: `work` is called again and again. */
export function synchronousStep(work: () => void): PreparedStep {
  // The clock is read about every half millisecond, so that its cost does not count.
  let operationsPerRound = 1
  return {
    run: async (milliseconds) => {
      const startMs = performance.now()
      let operations = 0
      let roundMs = startMs
      while (roundMs - startMs < milliseconds) {
        for (let left = operationsPerRound; left > 0; left--) work()
        operations += operationsPerRound
        const nowMs = performance.now()
        if (nowMs - roundMs < CLOCK_EVERY_MS) operationsPerRound *= 2
        roundMs = nowMs
      }
      return operations
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
