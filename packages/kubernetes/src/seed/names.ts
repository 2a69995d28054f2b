/** Names that more than one manifest of the seed uses. */

export const SEED_SERVER = 'vpn-seed-server'
export const SEED_SERVER_LABELS = { app: SEED_SERVER } as const

/** Secrets with `tls.crt`, `tls.key` and `ca.crt`, as `reversed-vpn certs` writes them. */
export const SEED_SERVER_TLS_SECRET = 'vpn-seed-server-tls'
export const EGRESS_TLS_SECRET = 'vpn-seed-server-egress-tls'
export const API_SERVER_EGRESS_SECRET = 'kube-apiserver-egress-tls'

/** How Gardener labels the pods that may talk to the seed-server. */
export const API_SERVER_LABELS = { app: 'kubernetes', role: 'apiserver' } as const
export const PROMETHEUS_LABELS = { app: 'prometheus', role: 'monitoring' } as const

export const SEED_PORTS = { tunnel: 1194, egress: 9443, admin: 15000 } as const

/** What the seed-server is called in all of the seed. */
export function seedServerHost(seedNamespace: string): string {
  return `${SEED_SERVER}.${seedNamespace}.svc.cluster.local`
}

/** Istio's name for that server, by which shoots say where they want to go. */
export function seedServerDestination(seedNamespace: string): string {
  return `outbound|${SEED_PORTS.tunnel}||${seedServerHost(seedNamespace)}`
}
