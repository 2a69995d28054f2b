import type { Host } from '@reversed-vpn/test/lab'

/** What the tunnels that bring no firewall of their own need on either side: what goes out of a device, or came in, hides behind the host. */
export async function masquerade(host: Host, match: 'iifname' | 'oifname', device: string): Promise<void> {
  await host.nft(`table inet bench_masquerade {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${match} "${device}" masquerade
  }
}
`)
}
