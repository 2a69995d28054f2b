import { ROTATE_AFTER_MS, ROTATE_AFTER_RECORDS } from '../limits.js'
import type { LaneCounters } from './lane-counters.js'
import type { RotationReason } from './lane-handler.js'
import type { LaneSettings } from './lane-options.js'

/** Why a lane should be replaced now, if it should: records under one key in a direction, or age. */
export function rotationDue(
  { toPeer, fromPeer }: LaneCounters,
  ageMs: number,
  limits: Pick<LaneSettings, 'rotateAfterRecords' | 'rotateAfterMs'>,
): RotationReason | undefined {
  const { rotateAfterRecords = ROTATE_AFTER_RECORDS, rotateAfterMs = ROTATE_AFTER_MS } = limits
  if (Math.max(toPeer.records, fromPeer.records) >= rotateAfterRecords) return 'rotate-records'
  return ageMs >= rotateAfterMs ? 'rotate-age' : undefined
}
