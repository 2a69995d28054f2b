import { createLogger } from '@reversed-vpn/daemon/testing'
import { DEFAULT_TRANSFER_NETWORKS } from '@reversed-vpn/ip'
import type { WelcomeMessage } from '@reversed-vpn/protocol'
import { Forwarding } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

const WELCOME: WelcomeMessage = {
  type: 'WELCOME',
  version: 1,
  session: 'a'.repeat(32),
  token: 'b'.repeat(64),
  lane: 0,
  lanesMax: 16,
  mtu: 1500,
  accepts: [],
  addresses: { seed: ['192.168.123.1/24'], shoot: ['192.168.123.2/24'] },
  networks: { pod: ['100.96.0.0/11'], service: [], node: [] },
  keepaliveMs: 5000,
  deadAfterMs: 15_000,
}

/** Of a TUN that is not there: what is allowed ends at that, and nothing is changed. */
function forwardingFor(transferNetworks: string) {
  return new Forwarding({
    tun: 'no-such-tun',
    egressInterface: 'auto',
    ownPorts: [],
    isPrepared: false,
    allowed: { pod: [], service: [], node: [] },
    guard: (network) => network,
    transferNetworks: transferNetworks.split(','),
    log: createLogger({ name: 'test', level: 'fatal', format: 'json' }).log,
  })
}

t.test('a transfer network that is not allowed is refused, however the seed side words it', async (t) => {
  const forwarding = forwardingFor(DEFAULT_TRANSFER_NETWORKS)
  for (const [seed, shoot, network] of [
    ['192.0.0.1/3', '192.0.0.2/3', '192.0.0.0/3'],
    ['192.168.123.1/23', '192.168.123.2/23', '192.168.122.0/23'],
    ['10.0.0.1/24', '10.0.0.2/24', '10.0.0.0/24'],
    ['192.168.123.1/24', '8.8.8.8/24', '8.8.8.0/24'],
    ['::ffff:192.168.123.1/120', '192.168.123.2/24', '::ffff:192.168.123.0/120'],
    ['fd00::1/112', 'fd00::2/112', 'fd00::/112'],
  ] as const) {
    const welcome = { ...WELCOME, addresses: { seed: [seed], shoot: [shoot] } }
    await t.rejects(forwarding.apply(welcome), { code: 'ERR_TRANSFER_NETWORK_NOT_ALLOWED' }, network)
  }
})

t.test('the documented transfer networks are allowed, and others that the option names', async (t) => {
  const isAllowed = { code: 'ERR_TUN_MISSING' }
  await t.rejects(forwardingFor(DEFAULT_TRANSFER_NETWORKS).apply(WELCOME), isAllowed)
  const addresses = { seed: ['10.7.0.1/30'], shoot: ['10.7.0.2/30'] }
  await t.rejects(forwardingFor('10.7.0.0/30').apply({ ...WELCOME, addresses }), isAllowed)
  await t.rejects(forwardingFor('10.7.0.0/30').apply(WELCOME), { code: 'ERR_TRANSFER_NETWORK_NOT_ALLOWED' })
})

t.test('without packets the networks are followed and nothing of the machine is touched', async (t) => {
  const followed: string[][] = []
  const forwarding = new Forwarding({
    tun: undefined,
    egressInterface: 'auto',
    ownPorts: [],
    isPrepared: false,
    allowed: { pod: [], service: ['100.64.0.0/13'], node: [] },
    guard: () => t.fail('nothing is guarded') as never,
    transferNetworks: [],
    onNetworks: ({ pod, service, node }) => followed.push([...pod, ...service, ...node]),
    log: createLogger({ name: 'test', level: 'fatal', format: 'json' }).log,
  })
  const [one, other] = [{}, {}]
  await forwarding.apply(WELCOME, one)
  const networks = { pod: ['10.0.0.0/8'], service: ['10.0.0.0/8'], node: ['fd00::/8'] }
  t.strictSame(await forwarding.follow({ ...WELCOME, networks }, other), {
    pod: ['10.0.0.0/8'],
    service: ['100.64.0.0/13'],
    node: ['fd00::/8'],
  })
  forwarding.leave(one)
  await forwarding.follow({ ...WELCOME, networks }, other)
  await forwarding.allow({ pod: ['100.96.1.0/24'], service: [], node: [] })
  t.strictSame(followed, [
    ['100.96.0.0/11', '100.64.0.0/13'],
    ['10.0.0.0/8', '100.96.0.0/11', '100.64.0.0/13', 'fd00::/8'],
    ['10.0.0.0/8', '100.64.0.0/13', 'fd00::/8'],
    ['100.96.1.0/24', '10.0.0.0/8', 'fd00::/8'],
  ])
  await forwarding.remove()
})
