import t from 'tap'
import { parseOptions } from '../cli/options.js'

t.test('without options every peer and scenario is measured three times for five seconds', async (t) => {
  const options = parseOptions([])
  t.match(options, { command: 'run', seconds: 5, repetitions: 3, isSmoke: false })
  t.same(
    options.peers.map(({ name }) => name),
    [
      'direct',
      'openvpn',
      'openvpn-proxy',
      'wireguard-go',
      'haproxy-relay',
      'ours',
      'ours-streams',
      'ours-proxy',
      'ours-gateway',
      'ours-haproxy',
      'ours-websocket',
      'ours-websocket-nginx',
      'konnectivity',
      'haproxy-egress',
    ],
  )
  t.match(options.outputDir, /docs\/?$/)
})

t.test('a smoke run takes one second of each, once, and keeps nothing', async (t) => {
  t.match(parseOptions(['--smoke', '--seconds', '9']), { seconds: 1, repetitions: 1, outputDir: undefined })
})

t.test('the ladder and the storm are commands of their own', async (t) => {
  for (const command of ['ladder', 'storm']) t.equal(parseOptions([command]).command, command)
  t.throws(() => parseOptions(['storm', 'much']), { code: 'ERR_BENCH_USAGE' })
})

t.test(
  'two commits, or one and this tree, are compared, and nothing is kept unless that is asked for',
  async (t) => {
    t.match(parseOptions(['compare', 'a', 'b']), {
      command: 'compare',
      commits: ['a', 'b'],
      outputDir: undefined,
    })
    t.match(parseOptions(['compare', 'a', '--output', '/tmp/a']), { commits: ['a'], outputDir: '/tmp/a' })
    t.match(parseOptions(['compare', 'a', '--only', 'start,ping-pong']).scenarios, [
      { name: 'ping-pong' },
      { name: 'start' },
    ])
    t.throws(() => parseOptions(['--only', 'start']), { code: 'ERR_BENCH_USAGE' })
    for (const commits of [[], ['a', 'b', 'c']]) {
      t.throws(() => parseOptions(['compare', ...commits]), { code: 'ERR_BENCH_USAGE' })
    }
  },
)

t.test('an external program is one more peer, last in order', async (t) => {
  const { peers } = parseOptions(['--external', 'other=/opt/other', '--peers', 'other,ours'])
  t.same(
    peers.map(({ name, isExternal = false }) => ({ name, isExternal })),
    [
      { name: 'ours', isExternal: false },
      { name: 'other', isExternal: true },
    ],
  )
})

t.test('a report is made again where it lies', async (t) => {
  t.match(parseOptions(['report']), { command: 'report', outputDir: /docs\/?$/ })
  t.match(parseOptions(['report', '--output', '/tmp/a']), { command: 'report', outputDir: '/tmp/a' })
  t.throws(() => parseOptions(['report', '/tmp/a']), { code: 'ERR_BENCH_USAGE' })
})

const REFUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
  ['an unknown peer', ['--peers', 'ours,nobody'], /^--peers "nobody": expected some of direct/],
  ['an unknown scenario', ['--only', 'nothing'], /^--only "nothing": expected some of tcp-1/],
  ['a length of no time', ['--seconds', '0'], /^--seconds "0": expected a whole number from 1 to 60$/],
  ['a number that is none', ['--repeat', 'often'], /^--repeat "often": expected a whole number/],
  [
    'an external peer without a program',
    ['--external', 'other'],
    /^--external "other": expected NAME=PROGRAM/,
  ],
  ['an external peer with a name that is taken', ['--external', 'ours=/opt/other'], /an unused name/],
  ['a flag that does not exist', ['--fast'], /--fast/],
  ['a command that does not exist', ['walk'], /^"walk": expected/],
]

for (const [what, argv, message] of REFUSED) {
  t.test(`refuses ${what}`, async (t) => {
    t.throws(() => parseOptions(argv), { code: 'ERR_BENCH_USAGE', message })
  })
}
