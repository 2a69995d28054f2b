/** Names, labels and ports by which the manifests of both clusters, and certificates, refer to each other. */

/** Where the endpoint that all shoots of a seed share takes TLS. */
export const ENDPOINT_TLS_PORT = 443

/** Where that endpoint takes CONNECT, and the header that names the destination. */
export interface ConnectEndpoint {
  readonly port: number
  readonly header: string
}

/** `unified` is the one of Gardener's gate UseUnifiedHTTPProxyPort, `legacy` what there was before. */
export const CONNECT_ENDPOINTS = {
  legacy: { port: 8132, header: 'Reversed-VPN' },
  unified: { port: 8443, header: 'X-Gardener-Destination' },
} as const satisfies Record<string, ConnectEndpoint>

export const SNI_GATEWAY = 'sni-gateway'
export const SNI_GATEWAY_ROUTES = 'sni-gateway-routes'
export const SNI_GATEWAY_LABELS = { app: SNI_GATEWAY } as const
/** Inside the pod, where nobody may bind a port below 1024. */
export const SNI_GATEWAY_PORTS = { tls: 8443, connect: 8132, admin: 15002 } as const

export const SEED_SERVER = 'vpn-seed-server'
export const SEED_SERVER_LABELS = { app: SEED_SERVER } as const
export const SEED_PORTS = { tunnel: 1194, egress: 9443, admin: 15000 } as const

export const VPN_SHOOT = 'vpn-shoot'
export const VPN_SHOOT_LABELS = { app: VPN_SHOOT } as const
export const VPN_SHOOT_NAMESPACE = 'kube-system'
/** The tunnel port is open only where the seed dials. */
export const SHOOT_PORTS = { tunnel: 4314, admin: 15001 } as const

/** The Deployment of kube-apiserver, and its container. */
export const API_SERVER = 'kube-apiserver'

/** Secrets with `tls.crt`, `tls.key` and `ca.crt`, by whose certificate it is. */
export interface SecretNames {
  readonly seedServer: string
  readonly egress: string
  /** That of kube-apiserver, with which it comes to the egress proxy. */
  readonly apiServer: string
  readonly vpnShoot: string
}

/** As `reversed-vpn certs` writes them. */
export const SECRETS = {
  seedServer: 'vpn-seed-server-tls',
  egress: 'vpn-seed-server-egress-tls',
  apiServer: 'kube-apiserver-egress-tls',
  vpnShoot: 'vpn-shoot-tls',
} as const satisfies SecretNames

/** How Gardener labels the pods that may connect to the seed-server. */
export const API_SERVER_LABELS = { app: 'kubernetes', role: 'apiserver' } as const
export const PROMETHEUS_LABELS = { app: 'prometheus', role: 'monitoring' } as const

/** The seed-server's DNS name within the seed. */
export function seedServerHost(seedNamespace: string): string {
  return `${SEED_SERVER}.${seedNamespace}.svc.cluster.local`
}

/** Istio's cluster name of the seed-server: the destination that shoots put into the routing header. */
export function seedServerDestination(seedNamespace: string): string {
  return `outbound|${SEED_PORTS.tunnel}||${seedServerHost(seedNamespace)}`
}
