/** Logs the progress of a run to standard error. Standard output is for results. */
export function log(text: string): void {
  process.stderr.write(`${text}\n`)
}
