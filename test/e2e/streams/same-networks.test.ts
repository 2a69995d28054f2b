import { type Host, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { inUrl, TunnelLab } from '../support/tunnel-lab.js'

const STREAMS = ['--carry', 'streams']
/** Of the shoot, and of the machines on both sides. */
const EVERYBODYS = ['10.0.0.0/8', 'fd00::/8']
/** Where the two ends of a tunnel of packets have their addresses. */
const AROUND_TRANSFER = ['192.168.0.0/16']
const TRANSFER_ADDRESSES = ['192.168.123.1', '192.168.123.2', 'fd8f:6d53:b97a:1::1', 'fd8f:6d53:b97a:1::2']

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, node, node2, pod1, pod2, seed: seedHost } = lab.hosts
await Promise.all([caller, seedHost, node, node2, pod1, pod2].map((host) => startNginx(lab, host)))

// The seed has the addresses of a node of the shoot itself, and a pod has those of the caller.
await seedHost.ip(['link add same0 type veth peer name same1', 'link set same0 up', 'link set same1 up'])
await seedHost.ip([
  ...Object.values(node2.addresses).map((address) => `addr add ${address} dev same0`),
  ...EVERYBODYS.map((network) => `route add ${network} dev same0`),
])
await moveInto(pod1, Object.values(caller.addresses))
await moveInto(pod2, TRANSFER_ADDRESSES)
const networks = [
  ...EVERYBODYS.flatMap((network) => ['--node-network', network]),
  ...AROUND_TRANSFER.flatMap((network) => ['--pod-network', network]),
]
await stage.startBoth([...STREAMS, ...networks], { args: STREAMS })

for (const [what, host, addresses] of [
  ['a node whose addresses the seed has too', node2, Object.values(node2.addresses)],
  ['a pod whose addresses the caller has too', pod1, Object.values(caller.addresses)],
  ['the node of the shoot-client, inside the same networks', node, Object.values(node.addresses)],
  ['a pod in the networks that packets are transferred with', pod2, TRANSFER_ADDRESSES],
] as const)
  t.test(`the shoot's own is reached: ${what}`, async (t) => {
    for (const address of addresses) {
      const answer = await stage.curlEgress(`http://${inUrl(address)}/`)
      t.match(answer, { code: 0, stdout: `${host.name}\n` }, address)
    }
  })

t.test('the seed itself goes where it went before', async (t) => {
  const { stdout } = await seedHost.run('curl', ['-sS', '-m', '20', `http://${node2.addresses.ipv4}/`])
  t.equal(stdout, 'seed\n')
})

/** Gives a pod further addresses, to where its node knows the way. */
async function moveInto(pod: Host, addresses: readonly string[]): Promise<void> {
  await pod.ip(addresses.map((address) => `addr add ${address} dev eth0`))
  await node.ip(addresses.map((address) => `route add ${address} dev ${pod.name}`))
}
