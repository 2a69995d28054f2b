/** Waits without letting anything else happen: on the way out of a process nothing asynchronous does any more. */
export function pauseHere(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
