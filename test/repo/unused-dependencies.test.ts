import t from 'tap'
import { makeTree } from './made-up-tree.js'
import { REPOSITORY } from './source-tree.js'
import { unusedDependencies } from './unused-dependencies.js'

t.test('nothing is declared that nobody uses', (t) => {
  t.strictSame(unusedDependencies(REPOSITORY), [])
  t.end()
})

t.test('finds what is declared for nobody, or is used by tests alone', (t) => {
  const root = makeTree(t.testdir(), {
    'package.json': JSON.stringify({
      scripts: { build: 'tsc -b' },
      devDependencies: { typescript: '1', idle: '1', tap: '1', '@types/node': '1' },
    }),
    'node_modules/typescript/package.json': JSON.stringify({ bin: { tsc: 'bin/tsc' } }),
    'node_modules/idle/package.json': JSON.stringify({ bin: 'sc' }),
    'packages/a/package.json': JSON.stringify({
      dependencies: { ws: '1', zod: '1', peer: '1', '@reversed-vpn/b': '1' },
      devDependencies: { '@types/ws': '1', '@types/zod': '1' },
    }),
    'node_modules/ws/package.json': JSON.stringify({ peerDependencies: { peer: '1' } }),
    'packages/a/src/a.ts': "import { b } from 'ws/lib/b.js'\n",
    'packages/a/test/a.test.ts': "import { z } from 'zod'\nimport t from 'tap'\nimport 'node:fs'\n",
  })
  t.strictSame(unusedDependencies(root), [
    'package.json declares idle, which nothing there uses',
    'packages/a/package.json declares zod, which nothing there uses',
    'packages/a/package.json declares @reversed-vpn/b, which nothing there uses',
  ])
  t.end()
})
