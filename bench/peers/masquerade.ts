import type { Host } from '@reversed-vpn/test/lab'

/** Masquerading for tunnels without a firewall of their own: of packets that leave by a device, or that came in by it. */
export async function masquerade(host: Host, match: 'iifname' | 'oifname', device: string): Promise<void> {
  await host.nft(`table inet bench_masquerade {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${match} "${device}" masquerade
  }
}
`)
}
