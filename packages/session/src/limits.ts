/** Tuning constants, each the bound of one queue or wait. Limits of the wire are in `protocol`. */

/** Room for packets read from a queue in one go. Holds three of the longest packets, or 512 small ones. */
export const BATCH_BYTES = 262_144

/** The most packets taken from a queue in one go: bounds the time until the stream is served again. */
export const BATCH_PACKETS = 512

/** Batches that a lane may have written and not yet flushed. Memory per lane: this times `BATCH_BYTES`. */
export const BATCHES_IN_FLIGHT = 3

/**
 * Small-packet batching: after a batch of at least so many packets that are on average shorter than
 * `SMALL_PACKET_BYTES`, packets gather in the kernel for `SMALL_PACKET_PAUSE_MS`, as far as timers are exact.
 * The pause is what it costs in delay.
 */
export const SMALL_PACKET_COUNT = 4
export const SMALL_PACKET_BYTES = 512
export const SMALL_PACKET_PAUSE_MS = 1

/** Read coalescing: so long bulk in small pieces gathers in the kernel, as far as timers are exact. */
export const COALESCE_PAUSE_MS = 3

/**
 * Each flow has an account that grows with what it sends and drains by `BULK_FLOW_BYTES_PER_MS` (2 Mbit/s).
 * Above `BULK_FLOW_BYTES` the flow is bulk. The first round trips of a page or a log stay below that. A full
 * account drains in a quarter of a second.
 */
export const BULK_FLOW_BYTES = 65_536
export const BULK_FLOW_BYTES_PER_MS = 250

/** A lane has bulk for so long after a bulk packet: longer than flows pause between windows on high-RTT paths. */
export const BULK_LANE_MS = 1000

/** Entries of the flow table, by hash. A power of two. */
export const FLOW_ENTRIES = 4096

/** How much is read from a lane before the event loop goes on. Without this limit libuv reads 2 MiB. */
export const READ_TURN_BYTES = 262_144

/** The most frames gathered for one write to the TUN queue. */
export const WRITE_FRAMES = 1024

/** Unsent bytes the kernel may hold for a lane before it stops taking more (`TCP_NOTSENT_LOWAT`). */
export const UNSENT_BYTES = 262_144

/** Control messages that may wait during the handshake. One more ends the connection. */
export const HANDSHAKE_INBOX_MESSAGES = 8

/** Bounds unsent control messages: a peer that sends PINGs and reads nothing costs no more. */
export const CONTROL_BACKLOG_BYTES = 1_048_576

/** Limit of TLS records under one AES-GCM key, below that of RFC 8446 §5.5: Node does not update keys. */
export const MAX_RECORDS_OF_A_KEY = 2 ** 24

/**
 * TLS records of one direction after which a lane is replaced. The margin below the limit covers what a lane
 * sends until the next check and until its replacement is up.
 */
export const ROTATE_AFTER_RECORDS = 2 ** 23

/** Age at which a lane is replaced, which bounds the life of a key. */
export const ROTATE_AFTER_MS = 12 * 3_600_000

/**
 * When authorities were removed or revocation lists changed, lanes of before are ended after this many times
 * `--dead-after`. That leaves time for a replacement that needs a few attempts.
 */
export const TRUST_GRACE_DEAD_TIMES = 2

/** How long a closing lane waits for its last bytes to leave before it is cut. */
export const CLOSE_GRACE_MS = 1_000

/**
 * Connections to one port whose peer is not authenticated yet. A single source cannot take the last quarter.
 * Those of all ports together stay below 1024 descriptors, the limit of many containers. Silent connections
 * push out their own oldest, so a quick client gets in.
 */
export const UNFINISHED_LIMITS = Object.freeze({ max: 256, maxPerSource: 192, whenFull: 'drop-oldest' })

/**
 * What a WebSocket may bring before its peer has proved who it is. A client's part of the handshake is a few KB, most of it its
 * certificates. Less than Node reads in one go (64 KiB): who sends more is gone after one read, which in frames of six bytes
 * takes milliseconds to parse.
 */
export const MAX_UNPROVEN_BYTES = 32_768

/** Fragments of a WebSocket message: each costs far more memory than its bytes. */
export const MAX_WEB_SOCKET_FRAGMENTS = 512

/** Reads that a frame of a WebSocket may take. */
export const MAX_WEB_SOCKET_READS = 8192
