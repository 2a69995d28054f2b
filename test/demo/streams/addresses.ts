import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'

/** Networks for documentation (RFC 5737), of which one at most is in use here. */
const DOCUMENTATION = ['198.51.100.', '203.0.113.', '192.0.2.']

/** An IPv4 address of this machine that is neither loopback nor link-local, which are never dialled into a shoot. */
export function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find(
    ({ address, family, internal }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'),
  )?.address
}

/** Two /24 that this machine has no address in; nothing is sent there. */
export function foreignNetworks(own: string): readonly [string, string] {
  const [first = '', second = ''] = DOCUMENTATION.filter((start) => !own.startsWith(start))
  return [`${first}0/24`, `${second}0/24`]
}

/** An address of loopback that nobody else on this machine is likely to use: so a port that is free there stays free. */
export function loopbackOfOurs(): string {
  return `127.${[1, 2, 3].map(() => randomInt(1, 255)).join('.')}`
}

/** A port that is free at that address. @param port that one. @default any */
export async function freePort(host: string, port = 0): Promise<number> {
  const server = createServer().listen(port, host)
  await once(server, 'listening')
  const found = (server.address() as AddressInfo).port
  server.close()
  await once(server, 'close')
  return found
}
