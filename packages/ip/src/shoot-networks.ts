/** The networks behind the tunnel, in CIDR notation, of either family. */
export interface ShootNetworks {
  readonly pod: readonly string[]
  readonly service: readonly string[]
  readonly node: readonly string[]
}

/** All networks of a shoot, whatever they are for. */
export function allNetworks(networks: ShootNetworks): string[] {
  return [...networks.pod, ...networks.service, ...networks.node]
}
