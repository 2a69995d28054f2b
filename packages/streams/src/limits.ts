/** Tuning constants, each the bound of one queue or wait. Limits of the wire are in `protocol`. */

/** Bytes of one write to a lane: enough for few calls, and little that later frames have to wait behind. */
export const BATCH_BYTES = 131_072

/** A lane gets nothing more while so many of its frames are not acknowledged. */
export const MAX_KEPT_FRAMES = 65_536

/** A lane gets nothing more while so many bytes of it are not acknowledged: 1 Gbit/s over 250 ms. */
export const MAX_KEPT_LANE_BYTES = 33_554_432

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

/** What a stream sends is bulk above so much, until its account has drained. As for flows of packets. */
export const BULK_BYTES = 65_536
export const BULK_BYTES_PER_MS = 250

/** Bytes that a bulk stream sends in its turn. */
export const QUANTUM_BYTES = 16_384

/** Received pieces below this are gathered, so that what a stream holds is never mostly overhead. */
export const GATHER_BYTES = 4096
