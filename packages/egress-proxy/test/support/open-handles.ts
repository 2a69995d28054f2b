const KINDS = ['TCPSocketWrap', 'TCPServerWrap', 'TLSWrap', 'PipeWrap', 'PipeServerWrap', 'Timeout']
const MAX_TURNS = 1000

/** How many sockets, servers and timers the process has, the timers that do not keep it alive aside. */
export function countOpenHandles(): number {
  return process.getActiveResourcesInfo().filter((kind) => KINDS.includes(kind)).length
}

/** Lets the loop turn until no more handles are open than `baseline`; closing one takes some turns. */
export async function settledHandles(baseline: number): Promise<number> {
  for (let turn = 0; turn < MAX_TURNS && countOpenHandles() > baseline; turn++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  return countOpenHandles()
}
