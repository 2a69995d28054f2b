type BenchErrorCode = 'ERR_BENCH_USAGE' | 'ERR_BENCH_MEASUREMENT'

/** A wrong command line, or a measurement that failed. */
export class BenchError extends Error {
  readonly code: BenchErrorCode

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BenchError'
    this.code = code
  }
}
