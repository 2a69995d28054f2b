/** Ports of the endpoint that all shoots of a seed share. */
export const ENDPOINT_PORTS = { tls: 443, connect: 8132 } as const
