import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { binOf, startWanLink } from '@reversed-vpn/test/lab'
import t from 'tap'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

const ROUND_TRIP_MS = 300

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, hosts } = stage
const living = hosts.seed.addresses
const dead = hosts.gateway.addresses
await startWanLink(lab, { rateBitsPerSecond: 100e6, delayMs: ROUND_TRIP_MS / 2 })
await hosts.gateway.nft(`table inet lost {
  chain input {
    type filter hook input priority 0
    tcp dport 1194 drop
  }
}`)
await stage.startSeed()

/** A shoot-client whose hosts file has these addresses for the seed-server, in this order. */
async function clientKnowing(addresses: readonly string[]) {
  const file = join(lab.dir, 'hosts')
  await writeFile(file, addresses.map((address) => `${address} seed.example\n`).join(''))
  const command = ['sh', '-c', 'mount --bind "$1" /etc/hosts && shift && exec "$@"', 'sh', file]
  return stage.startClient({
    args: ['--server', 'seed.example:1194', '--dead-after', '5s'],
    command: [...command, binOf('shoot-client')],
  })
}

const ORDERS: Readonly<Record<string, readonly string[]>> = {
  'a dead and a living address': [dead.ipv4, living.ipv4],
  'a living and a dead address': [living.ipv4, dead.ipv4],
  'both families, only IPv4 living': [dead.ipv6, living.ipv4],
  'both families, only IPv6 living': [dead.ipv4, living.ipv6],
  'a living address behind three dead ones': [dead.ipv6, dead.ipv4, '198.51.100.1', living.ipv4],
}

for (const [what, addresses] of Object.entries(ORDERS)) {
  t.test(`a tunnel comes up at a round-trip time of ${ROUND_TRIP_MS} ms: ${what}`, async (t) => {
    await using client = await clientKnowing(addresses)
    await client.waitUntilReady()
    t.notOk(
      client.logs.some(({ msg }) => msg === 'dial failed'),
      'with the first attempt',
    )
  })
}
