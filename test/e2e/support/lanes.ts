import type { Daemon } from '@reversed-vpn/test/lab'

/** A lane as `/status` shows it. */
export interface LaneStatus {
  readonly index: number
  /** 0 is the main one. */
  readonly openedAt: string
  readonly toPeer: { readonly packets: number; readonly bytes: number }
  readonly fromPeer: { readonly packets: number }
}

/** The lanes of the session that carries; none without one. */
export async function lanesOf(daemon: Daemon): Promise<readonly LaneStatus[]> {
  const { session, sessions } = (await daemon.status()) as {
    session?: { lanes: LaneStatus[] } | null
    sessions?: { sending: boolean; lanes: LaneStatus[] }[]
  }
  return (session ?? sessions?.find(({ sending }) => sending))?.lanes ?? []
}

/** Waits until the lanes of the session are as wanted. */
export async function untilLanes(
  daemon: Daemon,
  areWanted: (lanes: readonly LaneStatus[]) => boolean,
  deadlineMs = 30_000,
): Promise<readonly LaneStatus[]> {
  const endMs = performance.now() + deadlineMs
  for (;;) {
    const lanes = await lanesOf(daemon)
    if (areWanted(lanes)) return lanes
    if (performance.now() > endMs) throw new Error(`the lanes are ${JSON.stringify(lanes)}`)
  }
}
