export const SNI_GATEWAY = 'sni-gateway'
export const SNI_GATEWAY_LABELS = { app: SNI_GATEWAY } as const

/** Inside the pod, where nobody may have a port below 1024. */
export const SNI_GATEWAY_PORTS = { tls: 8443, connect: 8132, admin: 15002 } as const
