/** Tuning constants, each the bound of one queue or wait. Limits of the wire are in `protocol`. */

/** Bytes of one write to a lane: enough for few calls, and little that later frames have to wait behind. */
export const BATCH_BYTES = 131_072

/** A lane gets nothing more while so many of its frames are not acknowledged. */
export const MAX_KEPT_FRAMES = 65_536

/** A lane gets nothing more while so many bytes of it are not acknowledged: 1 Gbit/s over 250 ms. */
export const MAX_KEPT_LANE_BYTES = 33_554_432

/** A lane always gets so many bytes, however slow it is. */
export const LEAST_LANE_WINDOW_BYTES = 524_288

/** Above that it gets what it carries in so many of its shortest round trips, and in so many ms more. */
export const LANE_ROUND_TRIPS = 3
export const LANE_QUEUE_MS = 20

/** A rate is measured for so long at least, and the best of one or two times so many ms counts. */
export const LANE_MEASURE_MS = 10
export const LANE_RATE_MS = 2000

/** A shortest round trip that was not reached for so many ms is measured again, with so many bytes on their way. */
export const LANE_PROBE_MS = 30_000
export const LANE_PROBE_BYTES = 131_072

/** No new data is sent while so many bytes of all lanes are not acknowledged. */
export const MAX_KEPT_BYTES = 134_217_728

/** Frames and bytes of the peer that are acknowledged together, and how long fewer may wait, in ms. */
export const ACK_FRAMES = 32
export const ACK_BYTES = 131_072
export const ACK_DELAY_MS = 50

/** Numbers of lanes below the highest that may be unknown, and lanes that are gone and not resumed yet. */
export const MAX_MISSING_LANES = 1024
export const MAX_GONE_LANES = 1024

/** No lane is added while so many frames of lanes that are gone and not resumed are kept. */
export const MAX_GONE_FRAMES = 4 * MAX_KEPT_FRAMES

/** Windows: how they begin as the budget fills, and how far they grow. */
export const FULL_WINDOW_BYTES = 262_144
export const SMALL_WINDOW_BYTES = 65_536
export const LEAST_WINDOW_BYTES = 16_384

/** Bytes of data that a stream may send in a round, and those of them that it may send at once when it begins. */
export const QUANTUM_BYTES = 16_384
export const EARLY_BYTES = 4096

/** Received pieces below this are gathered, so that what a stream holds is never mostly overhead. */
export const GATHER_BYTES = 4096
