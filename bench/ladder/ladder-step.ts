/** One rung: a layer alone, in this process. */
export interface LadderStep {
  /** With every size that matters. */
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

/** A step that works without waiting for anything: `work` is called over and over. */
export function synchronousStep(work: () => void): PreparedStep {
  // The clock is read about every half millisecond, so that reading it costs nothing beside the work.
  let operationsPerLook = 1
  return {
    run: async (milliseconds) => {
      const startMs = performance.now()
      let operations = 0
      let lookMs = startMs
      while (lookMs - startMs < milliseconds) {
        for (let left = operationsPerLook; left > 0; left--) work()
        operations += operationsPerLook
        const nowMs = performance.now()
        if (nowMs - lookMs < CLOCK_EVERY_MS) operationsPerLook *= 2
        lookMs = nowMs
      }
      return operations
    },
    [Symbol.asyncDispose]: async () => {},
  }
}
