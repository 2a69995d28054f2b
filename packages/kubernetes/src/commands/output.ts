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
      const settle = (error?: NodeJS.ErrnoException | null) => {
        // A reader that has seen enough and left (`| head`) is no failure.
        if (error && error.code !== 'EPIPE') reject(error)
        else resolve()
      }
      process.stdout.once('error', settle)
      process.stdout.write(text, settle)
    }),
  note: (line) => {
    process.stderr.write(`${line}\n`)
  },
}
