import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EgressRefusal, REQUEST_OUTCOMES, STREAM_ENDS } from '@reversed-vpn/egress-proxy/testing'
import { SEED_DROP_COUNTERS, SHOOT_DROP_COUNTERS } from '@reversed-vpn/host-network/testing'
import { DROP_REASONS } from '@reversed-vpn/protocol'
import { DIAL_FAILURES, PEER_REFUSALS, REFUSAL_REASONS } from '@reversed-vpn/secure'
import { PROBE_FAILURES } from '@reversed-vpn/seed-server/testing'
import { END_REASONS } from '@reversed-vpn/sni-gateway/testing'
import { runCommand } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { importsOf } from './modules.js'
import {
  codeBlocks,
  codeWords,
  firstColumn,
  headingAnchors,
  localLinks,
  readOperatingGuide,
  tableRows,
  withoutCode,
} from './operating-guide.js'
import { REPOSITORY, type SourceFile, sourceFiles } from './source-tree.js'

const PROGRAMS = [
  { bin: 'packages/seed-server/bin/seed-server.js', commands: [[], ['setup']] },
  { bin: 'packages/shoot-client/bin/shoot-client.js', commands: [[], ['setup']] },
  { bin: 'packages/sni-gateway/bin/sni-gateway.js', commands: [[]] },
  { bin: 'packages/kubernetes/bin/reversed-vpn.js', commands: [[], ['render'], ['gateway'], ['certs']] },
]
/** Flags of other programs that are named outside of blocks of commands. */
const FLAGS_OF_OTHERS = ['--proxy-insecure', '--egress-selector-config-file']

const guide = readOperatingGuide()
const SOURCES = sourceFiles(REPOSITORY)

t.test('every reason that the code can give is explained, and no other', (t) => {
  const peer = firstColumn(guide, 'peer-refusals')
  expectSame(t, peer, PEER_REFUSALS, 'certificates')
  expectSame(t, [...peer, ...firstColumn(guide, 'refusals')], REFUSAL_REASONS, 'the tunnel port')
  expectSame(t, [...peer, ...firstColumn(guide, 'dial-failures')], DIAL_FAILURES, 'dialling')
  expectSame(t, firstColumn(guide, 'egress-outcomes'), REQUEST_OUTCOMES, 'the egress proxy')
  expectSame(t, firstColumn(guide, 'stream-ends'), STREAM_ENDS, 'the streams of the egress proxy')
  expectSame(
    t,
    firstColumn(guide, 'drop-reasons'),
    DROP_REASONS.filter((reason) => reason !== 'passed'),
    'drops',
  )
  expectSame(t, firstColumn(guide, 'gateway-ends'), END_REASONS, 'the gateway')
  expectSame(t, firstColumn(guide, 'probe-failures'), PROBE_FAILURES, 'the probe')
  const rules = new Set([...SEED_DROP_COUNTERS, ...SHOOT_DROP_COUNTERS])
  expectSame(t, firstColumn(guide, 'firewall-rules'), [...rules], 'firewalls')
  t.end()
})

t.test('each answer of the egress proxy stands with its code and its Proxy-Status', (t) => {
  const written = new Map(tableRows(guide, 'egress-outcomes').map(([outcome = '', ...row]) => [outcome, row]))
  for (const outcome of REQUEST_OUTCOMES) {
    const [code, proxyStatus] = written.get(`\`${outcome}\``) ?? []
    if (outcome === 'ok' || outcome === 'caller-left') {
      t.match([code, proxyStatus], [outcome === 'ok' ? '200' : '–', ''])
      continue
    }
    const refusal = new EgressRefusal(outcome, '')
    t.strictSame([code, proxyStatus], [String(refusal.status), `\`${refusal.proxyError}\``], outcome)
  }
  t.end()
})

t.test('firewall rules stand with the side that has them', (t) => {
  for (const [rule = '', side] of tableRows(guide, 'firewall-rules')) {
    const [name = ''] = codeWords(rule)
    const sides = [
      ...(SEED_DROP_COUNTERS.some((counter) => counter === name) ? ['seed'] : []),
      ...(SHOOT_DROP_COUNTERS.some((counter) => counter === name) ? ['shoot'] : []),
    ]
    t.equal(side, sides.length === 2 ? 'both' : sides.join(), name)
  }
  t.end()
})

t.test('every log line that is explained is one that the programs write', (t) => {
  const rows = tableRows(guide, 'log-lines')
  t.ok(rows.length > 20, 'the table is found')
  for (const [line = '', programs = '', , fields = ''] of rows) {
    const [message = ''] = codeWords(line)
    for (const program of programs.split(', ')) {
      const text = sourcesOf(program)
        .map(({ code }) => code)
        .join('')
      t.ok(text.includes(`'${message}'`) || text.includes(`"${message}"`), `${program}: ${message}`)
      for (const field of codeWords(fields))
        t.match(text, new RegExp(`\\b${field === 'err' ? 'err(or)?' : field}\\b`), `${message} has ${field}`)
    }
  }
  t.end()
})

t.test('every warning and error of the daemons is explained', (t) => {
  const explained = firstColumn(guide, 'log-lines')
  const written = ['seed-server', 'shoot-client', 'sni-gateway']
    .flatMap(sourcesOf)
    .filter(({ packageName }) => packageName !== 'daemon')
    .flatMap(({ code }) => [...code.matchAll(/\.(?:warn|error)\((?:\{[^}]*\}|\w+), (['"])(.+?)\1\)/g)])
    .map(([, , message = '']) => message)
  t.ok(written.length > 8, 'the lines are found')
  t.strictSame(
    written.filter((message) => !explained.includes(message)),
    [],
  )
  t.end()
})

t.test('every flag that is named is one of a program here', async (t) => {
  const helps = await Promise.all(
    PROGRAMS.flatMap(({ bin, commands }) =>
      commands.map((command) => runCommand(process.execPath, [join(REPOSITORY, bin), ...command, '--help'])),
    ),
  )
  const flags = new Set(helps.flatMap(({ stdout }) => stdout.match(/--[a-z][a-z-]+/g) ?? []))
  t.ok(flags.has('--egress-hold') && flags.has('--diff-from'), 'the flags are found')
  const ours = codeBlocks(guide)
    .flatMap((block) => block.split('\n'))
    .filter((line) => /^\s*(npx |sudo npx )?(seed-server|shoot-client|sni-gateway|reversed-vpn) /.test(line))
  t.ok(ours.length >= 3, 'the commands are found')
  const inText = codeWords(withoutCode(guide)).filter((text) => !/^(kubectl|npm) /.test(text))
  const named = [...ours, ...inText].flatMap((text) => text.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [])
  const unknown = named.filter((flag) => !flags.has(flag) && !FLAGS_OF_OTHERS.includes(flag))
  t.strictSame([...new Set(unknown)], [])
})

t.test('every link leads somewhere', (t) => {
  const anchors = headingAnchors(guide)
  t.equal(new Set(anchors).size, anchors.length, 'no heading stands twice')
  for (const link of localLinks(guide)) {
    const [path = '', anchor] = link.split('#')
    if (path === '') t.ok(anchors.includes(anchor ?? ''), link)
    else t.ok(existsSync(join(REPOSITORY, 'docs', path)), link)
  }
  t.end()
})

/** The sources of a program: its own package, and what that imports of ours. */
function sourcesOf(program: string): SourceFile[] {
  const packages = new Set([program])
  for (const name of packages) {
    for (const { specifier } of SOURCES.filter(({ packageName }) => packageName === name).flatMap(
      importsOf,
    )) {
      const [, imported] = /^@reversed-vpn\/([^/]+)/.exec(specifier) ?? []
      if (imported !== undefined) packages.add(imported)
    }
  }
  return SOURCES.filter(({ packageName }) => packages.has(packageName))
}

function expectSame(t: Test, written: readonly string[], inCode: readonly string[], what: string): void {
  t.strictSame(
    {
      missing: inCode.filter((one) => !written.includes(one)),
      unknown: written.filter((one) => !inCode.includes(one)),
    },
    { missing: [], unknown: [] },
    what,
  )
  t.equal(new Set(written).size, written.length, `${what}: none stands twice`)
}
