import t from 'tap'
import { importCircles } from './import-circles.js'
import { makeTree } from './made-up-tree.js'
import { REPOSITORY } from './source-tree.js'

t.test('no packages, folders or files import each other in a circle', (t) => {
  t.strictSame(importCircles(REPOSITORY), [])
  t.end()
})

const circles: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'between files': {
    'packages/a/src/one.ts': "import { two } from './two.js'\n",
    'packages/a/src/two.ts': "import type { Three } from './three.js'\n",
    'packages/a/src/three.ts': "export { one } from './one.js'\n",
  },
  'between folders, where no file is in one': {
    'packages/a/src/x/one.ts': "import { two } from '../y/two.js'\n",
    'packages/a/src/x/three.ts': '',
    'packages/a/src/y/two.ts': '',
    'packages/a/src/y/deep/four.ts': "import { three } from '../../x/three.js'\n",
  },
  'between a folder and a file beside it': {
    'packages/a/src/x/one.ts': "import { two } from '../two.js'\n",
    'packages/a/src/x/three.ts': '',
    'packages/a/src/two.ts': "const { three } = await import('./x/three.js')\n",
  },
  'between packages, by their entries': {
    'packages/a/src/one.ts': "import { two } from '@reversed-vpn/b'\n",
    'packages/a/src/socket.ts': '',
    'packages/b/src/index.ts': "import { three } from '@reversed-vpn/a/socket'\n",
  },
  'between the tests and the bench': {
    'test/lab/index.ts': "import { two } from '../../bench/two.js'\n",
    'bench/two.ts': "import { Lab } from '@reversed-vpn/test/lab'\n",
  },
}

for (const [where, files] of Object.entries(circles)) {
  t.test(`finds a circle ${where}`, (t) => {
    t.equal(importCircles(treeOf(t.testdir(), files)).length, 1)
    t.end()
  })
}

t.test('says the way round, and which imports make it', (t) => {
  t.strictSame(
    importCircles(treeOf(t.testdir(), circles['between folders, where no file is in one'] ?? {})),
    [
      'packages/a/src: x -> y -> x (packages/a/src/x/one.ts imports packages/a/src/y/two.ts; ' +
        'packages/a/src/y/deep/four.ts imports packages/a/src/x/three.ts)',
    ],
  )
  t.end()
})

t.test('leaves alone a folder that stands between files of the folder above it', (t) => {
  const root = treeOf(t.testdir(), {
    'packages/a/src/top.ts': "import { middle } from './x/middle.js'\nimport { bottom } from './bottom.js'\n",
    'packages/a/src/x/middle.ts': "import { bottom } from '../bottom.js'\nimport 'node:net'\n",
    'packages/a/src/bottom.ts': '',
    'packages/a/test/top.test.ts':
      "import { top } from '@reversed-vpn/a/top'\nimport '@reversed-vpn/test/lab'\n",
    'test/lab/index.ts': "import { top } from '@reversed-vpn/a/top'\n",
  })
  t.strictSame(importCircles(root), [])
  t.end()
})

function treeOf(dir: string, files: Readonly<Record<string, string>>): string {
  return makeTree(dir, { 'packages/a/package.json': '{}', 'packages/b/package.json': '{}', ...files })
}
