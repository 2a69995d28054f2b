import type { Session } from '@reversed-vpn/session'

/** A session as `/status` shows it. Holds no secret. */
export function describeSession(session: Session): object {
  return {
    id: session.id,
    state: session.state,
    sending: session.isSending,
    openedAt: new Date(session.openedAtMs).toISOString(),
    peer: session.peer,
    lanes: [...session.lanes.values()].map((lane) => ({
      index: lane.index,
      openedAt: new Date(lane.openedAtMs).toISOString(),
      rttMs: lane.rttMs ?? null,
      backlogBytes: lane.backlogBytes,
      toPeer: describeDirection(lane.counters.toPeer),
      fromPeer: describeDirection(lane.counters.fromPeer),
    })),
  }
}

function describeDirection({ packets, bytes }: { readonly packets: number; readonly bytes: number }): object {
  return { packets, bytes }
}
