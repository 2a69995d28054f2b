import { setTimeout as pause } from 'node:timers/promises'
import {
  type Daemon,
  destinationOf,
  startNginx,
  startPrometheus,
  startSniGateway,
} from '@reversed-vpn/test/lab'
import t from 'tap'
import { dashboardExpressions, variableMetrics } from '../repo/dashboard.js'
import { ALERTS_FILE, readAlerts, readDashboard } from '../repo/observability-files.js'
import { codeWords, firstColumn, readOperatingGuide, tableRows } from '../repo/operating-guide.js'
import { readPromql } from '../repo/promql.js'
import { TunnelLab } from './support/tunnel-lab.js'

/** What Prometheus itself puts on every series. */
const OF_PROMETHEUS = ['instance', 'job']
/** What Node.js tells of the process; the guide names the most useful of it. */
const OF_NODE = /^(seed_server|shoot_client|sni_gateway)_(process|nodejs)_/
/** The parts of a histogram. */
const OF_HISTOGRAMS = /_(bucket|sum|count)$/
/** Two scrapes lie within, whatever the machine does meanwhile. */
const RATE_INTERVAL = '10s'
const SHOOT = 'shoot--lab'
const ROUTE = { name: 'one', destinations: [destinationOf(SHOOT)], backend: '192.0.2.10:1194' }

/** Exit code of curl. */
const COULD_NOT_CONNECT = 7

const dashboard = readDashboard()
const alerts = readAlerts()
const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
// From inside the shoot everybody can be reached.
const { pod1, seed: seedHost, node, gateway: gatewayHost } = lab.hosts
// So that the end of a list is told, too.
const list = ['--tls-crl', await stage.certificates.tunnelCa.writeCrl()]
const [gateway, seed] = await Promise.all([
  startSniGateway(lab, { routes: [ROUTE], args: ['--admin-listen', '[::]:15002'] }),
  stage.startSeed(['--egress-hold', '100ms', '--admin-listen', '[::]:15000', ...list]),
  startNginx(lab, pod1),
])
const client = await stage.startClient({
  args: ['--gateway', gateway.url, '--header', `Reversed-VPN: ${destinationOf(SHOOT)}`, ...list],
})
await Promise.all([client.waitUntilReady(), seed.waitUntilReady()])
await untilProbed(seed)
const daemons = [seed, client, gateway.daemon]
const prometheus = await startPrometheus(lab, {
  host: node,
  targets: [`${seedHost.addresses.ipv4}:15000`, '127.0.0.1:15001', `${gatewayHost.addresses.ipv4}:15002`],
  ruleFiles: [ALERTS_FILE],
})

t.test('the admin port is open where that was said, and nowhere else', async (t) => {
  const ask = (port: number, address: string) =>
    pod1.run('curl', ['-sS', '-m', '20', `http://${address}:${port}/healthz`])
  t.match(await ask(15_002, gatewayHost.addresses.ipv4), { code: 0, stdout: 'ok\n' }, 'the gateway was told')
  t.match(await ask(15_001, node.addresses.ipv4), { code: COULD_NOT_CONNECT }, 'the client was not')
})

t.test('dashboard and rules name nothing that no daemon has', async (t) => {
  const registered = await registeredMetrics(daemons)
  const written = [
    ...dashboardExpressions(dashboard),
    ...alerts.map(({ alert, expr }) => ({ title: alert, expr })),
    ...variableMetrics(dashboard).map((metric) => ({ title: 'a variable', expr: metric })),
  ]
  for (const { title, expr } of written) {
    const { selectors, grouping } = readPromql(expr)
    const labels = new Set([...OF_PROMETHEUS])
    for (const { metrics, matchers } of selectors) {
      for (const metric of metrics) {
        const facts = registered.get(metric)
        t.ok(facts, `${title}: ${metric} is registered`)
        for (const label of facts?.keys() ?? []) labels.add(label)
        for (const { label, values } of matchers) {
          if (OF_PROMETHEUS.includes(label)) continue
          const known = facts?.get(label)
          t.strictSame(
            values.filter((value) => !known?.has(value)),
            [],
            `${title}: ${metric} has {${label}}`,
          )
        }
      }
    }
    t.strictSame(
      grouping.filter((label) => !labels.has(label)),
      [],
      `${title} groups by labels that exist`,
    )
  }
})

t.test(
  'the operating guide tells of every metric with its labels, and of none that no daemon has',
  async (t) => {
    const registered = await registeredMetrics(daemons)
    const guide = readOperatingGuide()
    const documented = new Map(
      tableRows(guide, 'metrics').flatMap(([metric = '', programs = '', labels = '']) =>
        programs.split(', ').map((program): [string, string[]] => {
          const [name = ''] = codeWords(metric)
          return [`${program.replaceAll('-', '_')}_${name}`, codeWords(labels)]
        }),
      ),
    )
    const families = [...registered.keys()].filter((name) => !OF_HISTOGRAMS.test(name))
    const ofOurs = families.filter((name) => !OF_NODE.test(name))
    t.strictSame(
      ofOurs.filter((name) => !documented.has(name)),
      [],
      'all of ours stand in the table',
    )
    for (const [name, labels] of documented) {
      t.ok(families.includes(name), `${name} is registered`)
      const seen = registered.get(name)?.size ? registered.get(name) : registered.get(`${name}_bucket`)
      const found = [...(seen?.keys() ?? [])].filter((label) => label !== 'le')
      t.strictSame([...labels].sort(), found.sort(), `${name} has these labels`)
    }
    const codes = registered.get('seed_server_tunnel_protocol_errors_total')?.get('code')
    t.strictSame(firstColumn(guide, 'protocol-errors').sort(), [...(codes ?? [])].sort())
  },
)

t.test('a Prometheus that reads the three daemons fills every panel', async (t) => {
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { code: 0 })
  t.match(await stage.curlEgress('http://198.51.100.10/'), { stderr: /403/ })
  // A second time, so that every series has two values between which something grew.
  await prometheus.scrapedAgain()
  await stage.curlEgress(`http://${pod1.addresses.ipv4}/`)
  await stage.curlEgress('http://198.51.100.10/')
  await prometheus.scrapedAgain()
  const expressions = dashboardExpressions(dashboard)
  const answers = await prometheus.queryAll(expressions.map(({ expr }) => filledIn(expr)))
  expressions.forEach(({ title, expr }, index) => {
    t.not(answers[index]?.length, 0, `${title}: ${expr}`)
  })
  const byOutcome = await prometheus.query('sum by (outcome) (seed_server_egress_requests_total) > 0')
  t.strictSame(byOutcome.map(({ labels, value }) => [labels.outcome, value]).sort(), [
    ['ok', 2],
    ['prohibited', 2],
  ])
})

t.test('it takes the rules, and none fires while all is well', async (t) => {
  const rules = await prometheus.rules()
  t.strictSame(rules.map(({ name }) => name).sort(), alerts.map(({ alert }) => alert).sort())
  for (const { name, health, lastError } of rules) t.equal(health, 'ok', `${name}: ${lastError ?? ''}`)
  // The lab's certificates live for a day, which is what the alert is for.
  const expected = ['ReversedVpnCertificateEndsNow']
  const loud = rules.filter(({ state }) => state !== 'inactive').map(({ name }) => name)
  t.strictSame(loud, expected)
})

t.test('without a shoot-client the tunnel counts as down', async (t) => {
  await client.stop()
  t.match(await stage.curlEgress(`http://${pod1.addresses.ipv4}/`), { stderr: /503/ })
  await prometheus.scrapedAgain()
  t.match(await prometheus.query('seed_server_tunnel_session_up'), [{ value: 0 }])
  t.match(await prometheus.query('seed_server_egress_requests_total{outcome="tunnel-down"}'), [{ value: 1 }])
  await prometheus.untilRuleIs('ReversedVpnTunnelDown', 'pending')
  t.pass('and in two minutes somebody is called')
})

/** Every metric by name, with the values of each of its labels. */
async function registeredMetrics(
  daemons: readonly Daemon[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>> {
  const found = new Map<string, Map<string, Set<string>>>()
  for (const daemon of daemons) {
    const { body } = await daemon.admin('/metrics')
    for (const [, name = ''] of body.matchAll(/^# TYPE (\S+)/gm)) found.set(name, new Map())
    for (const [, name = '', written = ''] of body.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
      const labels = found.get(name) ?? new Map<string, Set<string>>()
      found.set(name, labels)
      for (const [, label = '', value = ''] of written.matchAll(/(\w+)="([^"]*)"/g))
        labels.set(label, (labels.get(label) ?? new Set()).add(value))
    }
  }
  return found
}

/** The first probe begins once the tunnel is up; the last of its answers is that of IPv6. */
async function untilProbed(daemon: Daemon): Promise<void> {
  const endMs = performance.now() + 60_000
  while (!(await daemon.metrics()).has('seed_server_probe_seconds{target="path-ipv6"}')) {
    if (performance.now() > endMs) throw new Error('no probe was answered within 60 s')
    await pause(100)
  }
}

/** As Grafana does it, everything chosen. What is drawn only when it is more than nothing is nothing here, so that is left out. */
function filledIn(expr: string): string {
  return expr.replace(/ > 0$/, '').replaceAll('$__rate_interval', RATE_INTERVAL).replaceAll(/\$\w+/g, '.*')
}
