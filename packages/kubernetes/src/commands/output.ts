/** Where a command writes to. */
export interface Output {
  /** What was asked for. Resolves once it is handed over, since the process ends after that. */
  readonly result: (text: string) => Promise<void>
  /** A line for a person, beside the result. */
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
