import type { Lab } from './lab.js'
import { mustRunCommand } from './run-command.js'
import { ADDRESSES } from './topology.js'

const TX_QUEUE_PACKETS = 1000

/** A lab as seen from the gateway that it shares. */
export interface JoinedLab {
  readonly lab: Lab
  /** Where the gateway finds its seed; every seed has the same address in its own lab. */
  readonly seedAddress: string
}

/**
 * Makes the first lab's gateway the gateway of all of them, over IPv4: wherever a host dials the gateway's usual address, it comes out
 * there. Nothing else leads from one lab into another.
 *
 *   seed ── internet ──┐ (of each lab)
 *                      ├── gateway of the first
 *   seed ── internet ──┘
 */
export function joinAtGateway(labs: readonly [Lab, ...Lab[]]): Promise<JoinedLab[]> {
  return Promise.all(labs.map((lab, index) => join(lab, labs[0], index)))
}

async function join(lab: Lab, first: Lab, index: number): Promise<JoinedLab> {
  const { internet, seed } = lab.hosts
  const { gateway } = first.hosts
  const device = `lab${index}`
  const [gatewayAddress, internetAddress] = [`198.18.${index}.1`, `198.18.${index}.2`]
  const seedAddress = `198.19.${index}.10`
  const end = (name: string, netns: string) => `name ${name} txqueuelen ${TX_QUEUE_PACKETS} netns ${netns}`
  await mustRunCommand('ip', ['-batch', '-'], {
    input: `link add ${end('shared0', internet.netns)} type veth peer ${end(device, gateway.netns)}\n`,
  })
  await Promise.all([
    seed.ip([`addr add ${seedAddress}/32 dev wan0`]),
    internet.ip([
      `addr add ${internetAddress}/24 dev shared0`,
      'link set shared0 up',
      `route add ${ADDRESSES.gateway.ipv4}/32 via ${gatewayAddress}`,
      `route add ${seedAddress}/32 dev seed0`,
    ]),
    // The hosts of all labs have the same addresses: outside, each lab hides behind one of its own.
    internet.nft(
      `table inet lab_shared {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "shared0" masquerade
  }
}
`,
    ),
    gateway.ip([
      `addr add ${gatewayAddress}/24 dev ${device}`,
      `link set ${device} up`,
      `route add ${seedAddress}/32 via ${internetAddress}`,
    ]),
  ])
  return { lab, seedAddress }
}
