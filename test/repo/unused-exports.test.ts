import t from 'tap'
import { makeTree } from './made-up-tree.js'
import { REPOSITORY } from './source-tree.js'
import { unusedExports } from './unused-exports.js'

t.test('nothing is exported for nobody', (t) => {
  t.strictSame(unusedExports(REPOSITORY), [])
  t.end()
})

const DECLARED = [
  'export const name = 1',
  'export let name = 1',
  'export const [name] = [1]',
  'export async function name() {}',
  'export function* name() {}',
  'export abstract class name {}',
  'export interface name {}',
  'export type name = 1',
  'const other = 1\nexport { other as name }',
  "export { other as name } from './other.js'",
  "export { type other as name } from './other.js'",
  "export type { name } from './other.js'",
]

for (const code of DECLARED) {
  t.test(`finds: ${code}`, (t) => {
    const found = unusedExports(
      treeOf(t.testdir(), { 'packages/a/src/file.ts': `${code}\n`, 'packages/a/src/other.ts': '' }),
    )
    t.strictSame(
      found.filter((fault) => fault.startsWith('packages/a/src/file.ts')),
      ['packages/a/src/file.ts exports name, which no other file imports'],
    )
    t.end()
  })
}

for (const code of [
  "import { name } from './file.js'",
  "import { other, type name as mine } from './file.js'",
  "export { name as theirs } from './file.js'",
  "import * as all from './file.js'",
  "const { name } = await import('./file.js')",
  'const { name } = await import(`./$' + '{file}.js`)',
]) {
  t.test(`is content with: ${code}`, (t) => {
    const files = {
      'packages/a/src/file.ts': 'export const name = 1\n',
      'packages/a/src/user.ts': `${code}\n`,
    }
    const found = unusedExports(treeOf(t.testdir(), files))
    t.notOk(found.some((fault) => fault.startsWith('packages/a/src/file.ts')))
    t.end()
  })
}

t.test("a package's entries are for other packages, and for tests", (t) => {
  const root = treeOf(t.testdir(), {
    'packages/a/src/index.ts': "export { one, two } from './own.js'\n",
    'packages/a/src/testing.ts': "export { three, four } from './own.js'\n",
    'packages/a/src/own.ts': 'export const [one, two, three, four] = [1, 2, 3, 4]\n',
    'packages/a/test/own.test.ts':
      "import { two } from '@reversed-vpn/a'\nimport { three } from '@reversed-vpn/a/testing'\n",
    'packages/b/src/user.ts':
      "import { one } from '@reversed-vpn/a'\nimport { four } from '@reversed-vpn/a/testing'\n",
  })
  t.strictSame(unusedExports(root), [
    "packages/a/src/index.ts exports two, which no other package's source imports",
    'packages/a/src/testing.ts exports four, which no test imports',
  ])
  t.end()
})

function treeOf(dir: string, files: Readonly<Record<string, string>>): string {
  return makeTree(dir, { 'packages/a/package.json': '{}', 'packages/b/package.json': '{}', ...files })
}
