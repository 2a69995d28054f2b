export interface Deadline {
  readonly ms: number
  /** What the work is aborted with. */
  readonly error: () => Error
}

/**
 * Runs `work` with a signal that fires with `signal`, or with the deadline's error. Not `AbortSignal.any` with
 * `AbortSignal.timeout`: on Node 20 nothing holds that timer, and after a garbage collection it never fires.
 */
export async function withDeadline<Value>(
  signal: AbortSignal,
  { ms, error }: Deadline,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted()
  const either = new AbortController()
  const onAbort = () => either.abort(signal.reason)
  const timer = setTimeout(() => either.abort(error()), ms)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await work(either.signal)
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
