import { SERVICE } from '@reversed-vpn/test/lab'
import type { Stage } from './stage.js'

/** Commands to copy while everything stands: each is one line and works from any shell of this machine, as root. */
export function invitation({ lab, certificates }: Stage): string {
  const { caller, gateway, node, pod1, seed } = lab.hosts
  const inside = (host: { readonly netns: string }) => `ip netns exec ${host.netns}`
  const { certFile, keyFile } = certificates.apiserver
  const proxy = [
    '--proxytunnel --proxy https://seed:9443',
    `--proxy-cacert ${certificates.egressCa.certFile} --proxy-cert ${certFile} --proxy-key ${keyFile}`,
  ].join(' ')
  const entries = [
    [
      'A pod, as the kube-apiserver reaches it',
      `${inside(caller)} curl -s ${proxy} http://${pod1.addresses.ipv4}/`,
    ],
    ['The service in front of the pods', `${inside(caller)} curl -s ${proxy} http://${SERVICE.ipv4}/`],
    ['The same over IPv6', `${inside(caller)} curl -sg ${proxy} 'http://[${pod1.addresses.ipv6}]/'`],
    ['A pod, by plain routes', `${inside(caller)} ping -c 3 ${pod1.addresses.ipv4}`],
    ['How fast it is', `${inside(caller)} iperf3 -c ${pod1.addresses.ipv4} -t 5`],
    ['What the seed-server says of itself', `${inside(seed)} curl -s localhost:15000/status`],
    ['What the shoot-client counts', `${inside(node)} curl -s localhost:15001/metrics`],
    ['What travels over the internet: TLS alone', `${inside(gateway)} tcpdump -ni wan0 -c 10 port 1194`],
    ['The firewall on the shoot side', `${inside(node)} nft list table inet reversed_vpn_vpn0`],
    ['Cut the connection and see it come back', `${inside(node)} ss -t -K dport = 8132`],
  ]
  return entries.map(([what, command]) => `# ${what}\n${command}\n`).join('\n')
}
