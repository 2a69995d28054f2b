/** Tells how far a run is, on standard error: standard output is for results. */
export function log(text: string): void {
  process.stderr.write(`${text}\n`)
}
