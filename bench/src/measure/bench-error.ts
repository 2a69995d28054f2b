export type BenchErrorCode = 'ERR_BENCH_USAGE' | 'ERR_BENCH_MEASUREMENT'

/** Wrong use of the command line, or a measuring program that did not measure. */
export class BenchError extends Error {
  readonly code: BenchErrorCode

  constructor(code: BenchErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'BenchError'
    this.code = code
  }
}
