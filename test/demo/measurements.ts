/** Whether every packet of a `ping` came back. */
export function isLossless(pingOutput: string): boolean {
  return / 0% packet loss/.test(pingOutput)
}

/** The average of a `ping`, in milliseconds. */
export function roundTripMs(pingOutput: string): string {
  return /= [\d.]+\/([\d.]+)\//.exec(pingOutput)?.[1] ?? 'no'
}

/** What arrived in an `iperf3 -J`, in bits per second. */
export function throughputOf(iperf3Json: string): number {
  const report = JSON.parse(iperf3Json) as {
    readonly end?: { readonly sum_received?: { readonly bits_per_second?: number } }
  }
  const bitsPerSecond = report.end?.sum_received?.bits_per_second
  if (bitsPerSecond === undefined) throw new Error(`iperf3 measured nothing: ${iperf3Json}`)
  return bitsPerSecond
}
