/** Names that more than one manifest of the shoot uses. */

export const VPN_SHOOT = 'vpn-shoot'
export const VPN_SHOOT_LABELS = { app: VPN_SHOOT } as const
export const VPN_SHOOT_NAMESPACE = 'kube-system'

/** A Secret with `tls.crt`, `tls.key` and `ca.crt`, as `reversed-vpn certs` writes it. */
export const VPN_SHOOT_TLS_SECRET = 'vpn-shoot-tls'

/** The tunnel's port is there only where the seed dials. */
export const SHOOT_PORTS = { tunnel: 4314, admin: 15001 } as const
