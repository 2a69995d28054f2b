/** Time limit of a TLS handshake, and of each step after it: up to HELLO, and from HELLO to WELCOME. */
export const HANDSHAKE_TIMEOUT_MS = 10_000

/** How long a refused peer may take to read why, before its connection is cut. */
export const REJECT_GRACE_MS = 1_000
