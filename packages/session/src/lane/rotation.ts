import { MAX_RECORDS_OF_A_KEY, ROTATE_AFTER_MS, ROTATE_AFTER_RECORDS } from '../limits.js'
import type { LaneCounters } from './lane-counters.js'
import type { RotationReason } from './lane-handler.js'
import type { LaneSettings } from './lane-options.js'

/** Whatever is configured, a replacement has time to come up before the keys are spent. */
const LATEST_ROTATION_RECORDS = 0.75 * MAX_RECORDS_OF_A_KEY

/**
 * The most TLS records that one key of the lane has protected: of control messages each is one.
 * @param controlsSent control messages to the peer; what came is counted whatever it was
 */
export function mostRecords({ toPeer, fromPeer }: LaneCounters, controlsSent: number): number {
  return Math.max(toPeer.records + controlsSent, fromPeer.records)
}

/** Why a lane should be replaced now, if it should: records under one key in a direction, or age. */
export function rotationDue(
  records: number,
  ageMs: number,
  limits: Pick<LaneSettings, 'rotateAfterRecords' | 'rotateAfterMs'>,
): RotationReason | undefined {
  const { rotateAfterRecords = ROTATE_AFTER_RECORDS, rotateAfterMs = ROTATE_AFTER_MS } = limits
  if (records >= Math.min(rotateAfterRecords, LATEST_ROTATION_RECORDS)) return 'rotate-records'
  return ageMs >= rotateAfterMs ? 'rotate-age' : undefined
}
