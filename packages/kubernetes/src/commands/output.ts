/** Where a command writes. */
export interface Output {
  /** The result. Resolves once it is written out, because the process ends after that. */
  readonly result: (text: string) => Promise<void>
  /** A line for a person, apart from the result. */
  readonly note: (line: string) => void
}

/** The result to stdout, notes to stderr. */
export const processOutput: Output = {
  result: (text) =>
    new Promise((resolve, reject) => {
      process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
    }),
  note: (line) => {
    process.stderr.write(`${line}\n`)
  },
}
