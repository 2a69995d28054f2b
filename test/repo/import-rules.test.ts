import t from 'tap'
import { forbiddenImports, IMPORT_RULES, processWideUses } from './import-rules.js'
import { makeTree } from './made-up-tree.js'
import { importsOf } from './modules.js'
import { REPOSITORY, sourceFiles } from './source-tree.js'

t.test('no package imports what it must not', (t) => {
  t.ok(sourceFiles(REPOSITORY).length > 20, 'the sources are found')
  t.strictSame(forbiddenImports(REPOSITORY), [])
  t.end()
})

t.test('only main.ts and the daemon package touch the process', (t) => {
  t.strictSame(processWideUses(REPOSITORY), [])
  t.end()
})

const forbidden: readonly (readonly [from: string, code: string])[] = [
  ['protocol', "import { Lane } from '@reversed-vpn/session'"],
  ['protocol', "import { connect } from 'node:net'"],
  ['protocol', "import 'node:timers/promises'"],
  ['node-tun', "export * from '@reversed-vpn/protocol'"],
  ['daemon', "import type { Frame } from '@reversed-vpn/protocol'"],
  ['session', "import { log } from '@reversed-vpn/daemon'"],
  ['seed-server', "import {\n  a,\n  b,\n} from '@reversed-vpn/shoot-client'"],
  ['shoot-client', "const proxy = await import('@reversed-vpn/egress-proxy')"],
  ['sni-gateway', "import { a } from '@reversed-vpn/session'"],
  ['kubernetes', "import { a } from '@reversed-vpn/protocol'"],
  ['ip', "import { parse } from '@reversed-vpn/protocol'"],
  ['relay', "import { Session } from '@reversed-vpn/session'"],
  ['egress-proxy', "import { Session } from '@reversed-vpn/session'"],
  ['nobody-named-it', "import { a } from '@reversed-vpn/ip'"],
  ['session', "import { createFakeTun } from '@reversed-vpn/node-tun/testing'"],
  ['seed-server', "import { Command } from 'commander'"],
  ['session', "import { a } from '@reversed-vpn/protocol/dist/frame.js'"],
  ['session', "import { a } from '../../protocol/src/frame.js'"],
]

for (const [from, code] of forbidden) {
  t.test(`finds in ${from}: ${code.replaceAll(/\s+/g, ' ')}`, (t) => {
    const path = `packages/${from}/src/deep/file.ts`
    const root = makeTree(t.testdir(), { [`packages/${from}/package.json`]: '{}', [path]: `${code}\n` })
    const [first = '', ...others] = forbiddenImports(root)
    t.ok(first.startsWith(`${path} imports `), first)
    t.ok(
      IMPORT_RULES.some(({ reason }) => first.endsWith(`: ${reason}`)),
      'it says why',
    )
    t.ok(others.every((other) => other.startsWith(path)))
    t.end()
  })
}

t.test('leaves alone what is allowed, and what is only talked about', (t) => {
  const root = makeTree(t.testdir(), {
    'packages/daemon/package.json': '{}',
    'packages/daemon/src/cli.ts':
      "import { Command } from 'commander'\nprocess.exit(process.env.X ? 1 : 0)\n",
    'packages/session/package.json': '{}',
    'packages/session/src/lane.ts':
      "import { a } from '@reversed-vpn/protocol'\n// import { b } from '@reversed-vpn/daemon'\n/* process.exit(1) */\n" +
      "export const text = '@reversed-vpn/daemon'\n",
    'packages/session/src/main.ts': 'process.exitCode = 1\n',
  })
  t.strictSame([...forbiddenImports(root), ...processWideUses(root)], [])
  t.strictSame(
    sourceFiles(root)
      .flatMap(importsOf)
      .map(({ specifier }) => specifier)
      .sort(),
    ['@reversed-vpn/protocol', 'commander'],
  )
  t.end()
})

for (const code of [
  'const a = process.env.HOME',
  'process.exit(1)',
  'process.exitCode = 1',
  "process.once('SIGINT', a)",
]) {
  t.test(`finds below main.ts: ${code}`, (t) => {
    const root = makeTree(t.testdir(), {
      'packages/session/package.json': '{}',
      'packages/session/src/lane.ts': `${code}\n`,
    })
    t.match(processWideUses(root), [/^packages\/session\/src\/lane\.ts .+: /])
    t.end()
  })
}
