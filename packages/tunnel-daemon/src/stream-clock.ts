/** Time, as multiplexers of streams want it. */
export const STREAM_CLOCK = {
  nowMs: () => performance.now(),
  /** @returns cancels it */
  after: (ms: number, run: () => void) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
}
