/**
 * Tuning constants of the session, each the bound of one queue or wait. Wire limits stand in the protocol package.
 */

/** Room for packets read from a queue in one go. Holds three of the longest packets, or 512 small ones. */
export const BATCH_BYTES = 262_144

/** The most packets taken from a queue in one go: bounds the time until the stream is served again. */
export const BATCH_PACKETS = 512

/** Batches that may be on their way into the stream at a time, per lane. Memory per lane: this times `BATCH_BYTES`. */
export const BATCHES_IN_FLIGHT = 3

/**
 * Small-packet batching: after a batch of at least so many packets that are on average shorter than `SMALL_PACKET_BYTES`,
 * packets gather in the kernel for `SMALL_PACKET_PAUSE_MS`, as far as timers are exact. The pause is what it costs in delay.
 */
export const SMALL_PACKET_COUNT = 4
export const SMALL_PACKET_BYTES = 512
export const SMALL_PACKET_PAUSE_MS = 1

/** Read coalescing: how long bulk that comes in small pieces gathers before it is read again, as far as timers are exact. */
export const COALESCE_PAUSE_MS = 3

/**
 * A flow is bulk while it has sent so much more than it may: the first round trips of a page or of a log are not. It empties
 * in a quarter of a second, at 2 Mbit/s.
 */
export const BULK_FLOW_BYTES = 65_536
export const BULK_FLOW_BYTES_PER_MS = 250

/**
 * A lane has bulk for so long after the last packet of a bulk flow: longer than flows on high-RTT paths pause between windows.
 */
export const BULK_LANE_MS = 1000

/** In which flows are told apart by their hash. A power of two. */
export const FLOW_ENTRIES = 4096

/** What is read of a lane before everything else in the process has its turn. Without it libuv would read 2 MiB. */
export const READ_TURN_BYTES = 262_144

/** The most frames gathered for one write to the TUN queue. */
export const WRITE_FRAMES = 1024

/** Unsent bytes the kernel may hold for a lane before it stops taking more (`TCP_NOTSENT_LOWAT`). */
export const UNSENT_BYTES = 262_144

/** Control messages that may wait for a lane that is still being set up. One more ends the connection. */
export const HANDSHAKE_INBOX_MESSAGES = 8

/** Unsent bytes behind which no further control message is queued: a peer that sends PINGs and reads nothing costs no more. */
export const CONTROL_BACKLOG_BYTES = 1_048_576

/** TLS records that AES-GCM may protect with one key: a little less than RFC 8446 §5.5 allows. Node does not update keys. */
export const MAX_RECORDS_OF_A_KEY = 2 ** 24

/**
 * TLS records of one direction after which a lane is replaced. The distance to the limit covers what a lane sends until it is
 * looked at again and replaced.
 */
export const ROTATE_AFTER_RECORDS = 2 ** 23

/** Age at which a lane is replaced, so that no key lives long. */
export const ROTATE_AFTER_MS = 12 * 3_600_000

/**
 * Lanes that were let in by authorities or revocation lists which do not count any more are ended after so many times
 * `--dead-after`: room for a replacement that needs a few attempts.
 */
export const TRUST_GRACE_DEAD_TIMES = 2

/** How long a closing lane waits for its last bytes to leave before it is cut. */
export const CLOSE_GRACE_MS = 1_000

/**
 * Connections to one port whose other end has not shown who it is. A quarter is out of a single source's reach. Together with
 * those of the other ports they stay below the 1024 descriptors that many a container has. A flood of silent ones drops its
 * own oldest: whoever is quick gets in.
 */
export const UNFINISHED_LIMITS = Object.freeze({ max: 256, maxPerSource: 192, whenFull: 'drop-oldest' })
