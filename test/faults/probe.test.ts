// The lanes are healthy and no packet crosses: somebody else's routes and firewalls are in the way. The probe tells of it.
import { setTimeout as pause } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Host, NETWORKS } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

/** Two probes of each target wait for 5 s where nothing comes back, and what a busy machine adds. */
const DEADLINE_MS = 120_000
const POLL_MS = 100
const LOST = 'probe of the tunnel gets no answer'
const FOUND = 'probe of the tunnel is answered again'
const ENDS = ['lane lost', 'lane closed', 'session closed']

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
t.setTimeout(600_000)
const { node, pod1, seed: seedHost } = stage.hosts
/** Nobody listens there: a refusal is an answer. */
const TARGET = `${pod1.addresses.ipv4}:7`
/** However long the machine stands still, no lane is given up for it. */
const PATIENT = ['--keepalive', '1s', '--dead-after', '60s']
const { seed, client } = await stage.startBoth(
  [...PATIENT, '--probe-interval', '200ms', '--probe-target', TARGET],
  { args: PATIENT },
)
const EVERY = ['path-ipv4', 'path-ipv6', TARGET]

interface Fault {
  readonly what: string
  readonly host: Host
  readonly plant: string
  readonly remove: string
  /** What is lost by it, and why. */
  readonly lost: Readonly<Record<string, string>>
}

const STRANGER = 'table inet stranger'
const FAULTS: readonly Fault[] = [
  {
    what: "a rule of the seed before all others throws away what comes from the tunnel's address",
    host: seedHost,
    plant: `ip -6 rule add pref 1 from ${NETWORKS.vpn.ipv6} blackhole`,
    remove: 'ip -6 rule del pref 1',
    lost: { 'path-ipv6': 'local' },
  },
  {
    what: 'a rule of the shoot before all others throws away what is for the tunnel',
    host: node,
    plant: `ip rule add pref 1 to ${NETWORKS.vpn.ipv4} blackhole`,
    remove: 'ip rule del pref 1',
    lost: { 'path-ipv4': 'nothing-back', [TARGET]: 'nothing-back' },
  },
  {
    what: 'a firewall in the shoot drops what comes out of the tunnel, of one family',
    host: node,
    plant: nft('prerouting priority -310', 'iifname "vpn0" meta nfproto ipv6 drop'),
    remove: `nft delete ${STRANGER}`,
    lost: { 'path-ipv6': 'nothing-back' },
  },
  {
    what: 'somebody switches conntrack off on the seed for what says that an address was not reached',
    host: seedHost,
    plant: nft('prerouting priority raw', 'iifname "vpn0" meta l4proto icmp notrack'),
    remove: `nft delete ${STRANGER}`,
    lost: { 'path-ipv4': 'no-answer' },
  },
  {
    what: "a firewall in the shoot lets nothing through to the pods, and the shoot-client's kernel answers",
    host: node,
    plant: nft('forward priority 0', 'iifname "vpn0" drop'),
    remove: `nft delete ${STRANGER}`,
    lost: { [TARGET]: 'nothing-back' },
  },
]

t.test('while all is well every target answers', async (t) => {
  for (const target of EVERY) await untilProbe(t, target, { state: 'answered', reason: null })
  t.notOk(seed.logs.some(({ msg }) => msg === LOST || msg === FOUND))
})

for (const { what, host, plant, remove, lost } of FAULTS) {
  t.test(what, async (t) => {
    const [fromLine, linesBefore] = [seed.process.output.length, seed.logs.length]
    const told = (message: string, target: string) =>
      seed.waitForLog(({ msg, target: about }) => msg === message && about === target, {
        fromLine,
        deadlineMs: DEADLINE_MS,
      })
    await host.mustRun('sh', ['-c', plant])
    for (const [target, reason] of Object.entries(lost)) {
      t.match(await told(LOST, target), { level: 'warn' }, target)
      // Not with the first: an answer to a probe before may be late on a busy machine.
      await untilProbe(t, target, { state: 'no answer', reason })
      t.equal((await seed.metrics()).get(success(target)), 0, target)
    }
    t.equal((await seed.admin('/readyz')).status, 200, 'the seed-server stays ready')
    const ends = seed.logs.slice(linesBefore).filter(({ msg = '' }) => ENDS.includes(msg))
    t.strictSame(ends, [], 'and its lanes stay up')

    await host.mustRun('sh', ['-c', remove])
    for (const target of Object.keys(lost)) {
      t.match(await told(FOUND, target), { level: 'info', lostForMs: Number }, target)
      await untilProbe(t, target, { state: 'answered', reason: null })
      const lines = seed.logs.slice(linesBefore).filter((line) => line.target === target)
      t.strictSame(
        lines.map(({ msg }) => msg),
        [LOST, FOUND],
        'once each',
      )
    }
    for (const target of EVERY) await untilProbe(t, target, { state: 'answered', reason: null })
  })
}

t.test('without a session it is no fault of the path', async (t) => {
  const fromLine = seed.process.output.length
  await client.stop()
  await seed.waitForLog(({ msg }) => msg === 'session closed', { fromLine, deadlineMs: DEADLINE_MS })
  t.match(await probeOf('path-ipv4'), { state: 'no session' })
  t.notOk((await seed.metrics()).has(success('path-ipv4')), 'nor is there a metric to wake somebody')
  await stage.startClient()
  await untilProbe(t, 'path-ipv4', { state: 'answered', reason: null })
})

function nft(hook: string, rule: string): string {
  return `nft '${STRANGER} { chain them { type filter hook ${hook}; policy accept; ${rule}; }; }'`
}

function success(target: string): string {
  return `seed_server_probe_success{target="${target}"}`
}

interface Shown {
  readonly state: string
  /** Why the last probe was not answered. */
  readonly reason: string | null
}

async function untilProbe(t: Test, target: string, wanted: Shown): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS
  for (;;) {
    const found = await probeOf(target)
    if (isDeepStrictEqual(found, wanted)) return
    if (performance.now() > endMs) {
      t.strictSame(found, wanted, target)
      return
    }
    await pause(POLL_MS)
  }
}

async function probeOf(target: string): Promise<Shown | undefined> {
  const { probe } = (await seed.status()) as {
    probe: { targets: readonly { target: string; state: string; last: { reason: string | null } | null }[] }
  }
  const found = probe.targets.find((one) => one.target === target)
  return found && { state: found.state, reason: found.last?.reason ?? null }
}
