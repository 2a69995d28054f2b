import { EgressRefusal, REQUEST_OUTCOMES } from '@reversed-vpn/egress-proxy/testing'
import { runCommand } from '@reversed-vpn/test/lab'
import t from 'tap'
import { type Dashboard, dashboardExpressions, dashboardFaults } from './dashboard.js'
import { OBSERVABILITY_DIR, readAlerts, readDashboard, readTestedAlerts } from './observability-files.js'
import { headingAnchors, readOperatingGuide } from './operating-guide.js'
import { readPromql } from './promql.js'

const dashboard = readDashboard()
const alerts = readAlerts()

t.test('the dashboard can be provisioned as it is', (t) => {
  t.strictSame(dashboardFaults(dashboard), [])
  t.ok(dashboardExpressions(dashboard).length >= 50, 'its expressions are found')
  const [first] = dashboard.templating.list
  t.match(first, { name: 'datasource', type: 'datasource', query: 'prometheus' })
  t.end()
})

t.test('it tells of everything that has to be looked at', (t) => {
  const rows = dashboard.panels.filter(({ type }) => type === 'row').map(({ title }) => title)
  for (const row of [
    /^Tunnel$/,
    /both directions/,
    /Round trip/,
    /Lanes/,
    /Drops by reason/,
    /Refusals and dial failures/,
    /Egress proxy/,
    /Certificates/,
    /memory, processor, garbage/,
    /Gateway/,
  ])
    t.ok(
      rows.some((title) => row.test(title)),
      `a row ${row}`,
    )
  t.end()
})

t.test('faults of a dashboard are found', (t) => {
  const [row, first, second, ...others] = dashboard.panels
  if (row === undefined || first === undefined || second === undefined) throw new Error('too few panels')
  const [target] = first.targets ?? []
  if (target === undefined) throw new Error('the first panel asks for nothing')
  const withFirst = (change: object): Dashboard => ({
    ...dashboard,
    panels: [row, { ...first, ...change }, second, ...others],
  })
  for (const [fault, broken] of [
    ['stands twice', withFirst({ id: second.id })],
    ['lie on each other', withFirst({ gridPos: second.gridPos })],
    ['outside the grid', withFirst({ gridPos: { ...first.gridPos, x: -1 } })],
    ['which not every Grafana has', withFirst({ type: 'graph' })],
    ['it asks for nothing', withFirst({ targets: [] })],
    ['nothing says what it shows', withFirst({ description: '' })],
    ['another data source', withFirst({ datasource: { type: 'prometheus', uid: 'P1234' } })],
    ['nothing is called $cluster', withFirst({ targets: [{ ...target, expr: 'up{a="$cluster"}' }] })],
    ['target A stands twice', withFirst({ targets: [target, target] })],
    ['an id', { ...dashboard, id: 7 }],
  ] as const)
    t.ok(
      dashboardFaults(broken).some((line) => line.includes(fault)),
      fault,
    )
  t.end()
})

t.test('every expression is PromQL', (t) => {
  for (const { title, expr } of dashboardExpressions(dashboard))
    t.ok(readPromql(expr).selectors.length > 0, `${title}: ${expr}`)
  for (const { alert, expr } of alerts) t.ok(readPromql(expr).selectors.length > 0, alert)
  t.throws(() => readPromql('sum(rate(a_total[5m])'), { name: 'SyntaxError' })
  t.throws(() => readPromql('a_total{reason="b"'), { name: 'SyntaxError' })
  t.strictSame(readPromql('sum by (le) ({__name__=~"a|b", c=~"d|$e"}) > foo[$__rate_interval]'), {
    selectors: [
      { metrics: ['a', 'b'], matchers: [{ label: 'c', values: ['d'] }] },
      { metrics: ['foo'], matchers: [] },
    ],
    grouping: ['le'],
  })
  t.end()
})

t.test('each outcome of a CONNECT is drawn under its code, and under no other', (t) => {
  const panel = dashboard.panels.find(({ title }) => title === 'CONNECTs by code')
  const drawn = (panel?.targets ?? []).flatMap(({ expr, legendFormat }) =>
    readPromql(expr).selectors.flatMap(({ matchers }) =>
      matchers.flatMap(({ label, values }) =>
        label === 'outcome' ? values.map((outcome) => `${outcome}: ${legendFormat}`) : [],
      ),
    ),
  )
  t.strictSame(drawn.sort(), REQUEST_OUTCOMES.map((outcome) => `${outcome}: ${codeOf(outcome)}`).sort())
  t.end()
})

t.test('the rules hold against made-up metrics', async (t) => {
  for (const [action, file] of [
    ['check', 'alerts.yaml'],
    ['test', 'alerts.test.yaml'],
  ] as const) {
    const result = await runCommand('promtool', [action, 'rules', file], { cwd: OBSERVABILITY_DIR })
    t.equal(result.code, 0, `promtool ${action}: ${result.stdout}${result.stderr}`)
    t.match(result.stdout, 'SUCCESS')
  }
  const { firing } = readTestedAlerts()
  t.strictSame([...firing].sort(), alerts.map(({ alert }) => alert).sort(), 'each is seen firing')
})

t.test('every alert says how bad it is and where it is written what to do', (t) => {
  const anchors = headingAnchors(readOperatingGuide())
  for (const { alert, labels, annotations } of alerts) {
    t.match(labels.severity, /^(warning|critical)$/, alert)
    t.ok(annotations.summary && annotations.description, `${alert} has a summary and a description`)
    const [file, anchor = ''] = (annotations.runbook ?? '').split('#')
    t.equal(file, 'docs/operating.md', alert)
    t.ok(anchors.includes(anchor), `${alert}: docs/operating.md has a heading ${anchor}`)
  }
  t.end()
})

function codeOf(outcome: (typeof REQUEST_OUTCOMES)[number]): string {
  if (outcome === 'ok') return '200'
  if (outcome === 'caller-left') return 'no answer'
  const { status } = new EgressRefusal(outcome, '')
  return status < 500 ? '4xx' : String(status)
}
