import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeTree } from './made-up-tree.js'
import { mapFaults, PACKAGE_MAP } from './package-map.js'
import { REPOSITORY } from './source-tree.js'

t.test('the map is that of the packages', (t) => {
  t.strictSame(mapFaults(REPOSITORY), [])
  t.end()
})

t.test('ARCHITECTURE.md shows the map', (t) => {
  const text = readFileSync(join(REPOSITORY, 'ARCHITECTURE.md'), 'utf8')
  const rows = text.matchAll(/^\| \[`([\w-]+)`\]\(packages\/\1\) \|.*\| ([^|]+) \|$/gm)
  const map = Object.entries(PACKAGE_MAP).map(([name, { to }]) => [
    name,
    Object.keys(to).join(', ') || 'none',
  ])
  t.strictSame(
    Object.fromEntries([...rows].map(([, name, imports]) => [name, imports])),
    Object.fromEntries(map),
  )
  t.end()
})

t.test('finds a package that is not in it, one that is gone, and an arrow that nobody needs', (t) => {
  const root = makeTree(t.testdir(), {
    'packages/low/package.json': '{}',
    'packages/new/package.json': '{}',
    'packages/high/package.json': '{}',
    'packages/high/src/a.ts': "import { a } from '@reversed-vpn/low/socket'\nimport '@reversed-vpn/lower'\n",
  })
  const arrows = { low: 'for its sockets', gone: 'once', lower: 'for a', new: 'some day' }
  const map = {
    low: { to: {}, reason: 'bottom' },
    high: { to: arrows, reason: 'top' },
    gone: { to: {}, reason: 'bottom' },
  }
  t.strictSame(mapFaults(root, map), [
    'packages/new is not in the map',
    'the map names gone, and there is no such package',
    'the map lets high import gone, which it does not',
    'the map lets high import new, which it does not',
  ])
  t.end()
})
