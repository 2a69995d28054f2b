import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { WantedNetwork } from './wanted-network.js'

/** `discard`: should it arrive, nobody answers. */
const PORT = 9

/**
 * Whether the firewall lets out what it must drop, as seen without any capability: a datagram to the other end's transfer
 * address, which neither side may send, is refused to its sender with EPERM where the firewall stands.
 *
 * @returns families of which it went out
 */
export async function findOpenFirewalls({ side, plan }: WantedNetwork): Promise<(4 | 6)[]> {
  const probes = plan.families.map(async ({ family, seedAddress, shootAddress }) => {
    const [from, to] = side === 'seed' ? [seedAddress, shootAddress] : [shootAddress, seedAddress]
    return (await canSend(family, from, to)) ? [family] : []
  })
  return (await Promise.all(probes)).flat()
}

/** Refusals of another kind say nothing of the firewall: the address or the route may be missing. */
async function canSend(family: 4 | 6, from: string, to: string): Promise<boolean> {
  const socket = createSocket(`udp${family}`)
  try {
    socket.bind({ address: from })
    await once(socket, 'listening')
    await new Promise<void>((resolve, reject) =>
      socket.send('', PORT, to, (error) => (error === null ? resolve() : reject(error))),
    )
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}
