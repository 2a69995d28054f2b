// The wire's constants (SPEC.md). What can be tuned does not belong here.

/** ALPN identifier, which names the version of the framing (RFC 7301). */
export const ALPN_PROTOCOL = 'reversed-vpn/1'

/** `HELLO.version` and `WELCOME.version`: the version of the control messages within the framing. */
export const CONTROL_VERSION = 1

/** One byte of type and three of payload length, big-endian. */
export const FRAME_HEADER_BYTES = 4

/** `struct virtio_net_hdr` without `num_buffers`, little-endian (`linux/virtio_net.h`). */
export const VIRTIO_NET_HEADER_BYTES = 10

/** A virtio-net header and the shortest IPv4 header. */
export const MIN_DATA_PAYLOAD_BYTES = VIRTIO_NET_HEADER_BYTES + 20

/** A virtio-net header and the longest packet that a TUN hands over. */
export const MAX_DATA_PAYLOAD_BYTES = VIRTIO_NET_HEADER_BYTES + 65_535

/** The longest JSON text of a control frame. */
export const MAX_CONTROL_PAYLOAD_BYTES = 16_384

/** UTF-16 code units of the `reason` in REJECT and CLOSE. */
export const MAX_REASON_CHARACTERS = 1024

/** Lane indices are 0 to 255. */
export const MAX_LANES = 256

/** Networks of one kind, and addresses of one side, in WELCOME. */
export const MAX_NETWORKS = 256

/** First byte of a frame. 64 to 72 are streams; 73 to 127 are kept for them. */
export const FRAME_TYPE = {
  DATA: 0,
  HELLO: 1,
  WELCOME: 2,
  REJECT: 3,
  PING: 4,
  PONG: 5,
  GOAWAY: 6,
  CLOSE: 7,
  OPEN: 64,
  OPENED: 65,
  REFUSED: 66,
  STREAM_DATA: 67,
  CREDIT: 68,
  FIN: 69,
  RESET: 70,
  RECEIVED: 71,
  RESUME: 72,
} as const
export type FrameTypeName = keyof typeof FRAME_TYPE

/**
 * What a frame may leave to the receiver's kernel: partial checksums, TCP segmentation over IPv4 and over IPv6. The last two
 * count only together with `checksum`. UDP segmentation is not among them: see SPEC.md, section 3.1.
 */
export const OFFLOAD_KINDS = ['checksum', 'tso4', 'tso6'] as const
export type OffloadKind = (typeof OFFLOAD_KINDS)[number]

/** What a lane may carry. A side that does not say carries packets only. */
export const CARRIED_KINDS = ['packets', 'streams'] as const
export type CarriedKind = (typeof CARRIED_KINDS)[number]

/** Why a lane is refused. The first seven are about the certificate. */
export const REJECT_CODES = [
  'no-certificate',
  'certificate-expired',
  'certificate-not-yet-valid',
  'wrong-ca',
  'wrong-name',
  'wrong-usage',
  'revoked',
  'bad-hello',
  'version',
  'unknown-session',
  'lane-out-of-range',
  'networks',
  'shutting-down',
  'internal',
] as const
export type RejectCode = (typeof REJECT_CODES)[number]

/** Why a lane (or the whole session) should be replaced or is about to end. */
export const GOAWAY_REASONS = ['superseded', 'shutting-down', 'rotate-age', 'rotate-records'] as const
export type GoawayReason = (typeof GOAWAY_REASONS)[number]
