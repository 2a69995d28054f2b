/** How long a TLS handshake may take, and what follows it: from the accepted connection to HELLO, and from HELLO to WELCOME. */
export const HANDSHAKE_TIMEOUT_MS = 10_000

/** How long a refused peer may take to read why, before its connection is cut. */
export const REJECT_GRACE_MS = 1_000
