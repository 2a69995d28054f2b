import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeTree } from './made-up-tree.js'
import { packageFaults, undeclaredImports } from './package-rules.js'
import { packageNames, REPOSITORY } from './source-tree.js'

const SOUND = {
  name: '@reversed-vpn/sound',
  exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
  bin: { sound: 'bin/sound.js' },
  files: ['dist', 'bin'],
}

t.test('every package has a README, exports, and programs that start', (t) => {
  t.ok(packageNames(REPOSITORY).length >= 6, 'the packages are found')
  t.strictSame(packageFaults(REPOSITORY), [])
  t.end()
})

t.test('every package declares what it imports', (t) => {
  t.strictSame(undeclaredImports(REPOSITORY), [])
  t.end()
})

t.test('a sound package has no faults, and each fault is found', (t) => {
  const root = packageWith(t.testdir(), SOUND)
  t.strictSame(packageFaults(root), [])

  chmodSync(join(root, 'packages/sound/bin/sound.js'), 0o644)
  t.match(packageFaults(root), [/bin\/sound\.js is not executable/])
  t.end()
})

for (const [fault, manifest] of Object.entries({
  'its name is': { ...SOUND, name: '@reversed-vpn/other' },
  "'.' of `exports` has no types": { ...SOUND, exports: { '.': './dist/index.js' } },
  '`exports` is empty': { ...SOUND, exports: {} },
  'bin/gone.js is not there': { ...SOUND, bin: { sound: 'bin/gone.js' } },
  'not be published': { ...SOUND, files: ['dist'] },
})) {
  t.test(`finds: ${fault}`, (t) => {
    const found = packageFaults(packageWith(t.testdir(), manifest))
    t.equal(found.length, 1)
    t.ok(found.join().includes(fault), found.join())
    t.end()
  })
}

t.test('finds a missing README and a program without its first line', (t) => {
  const root = makeTree(t.testdir(), {
    'packages/sound/package.json': JSON.stringify(SOUND),
    'packages/sound/bin/sound.js': 'import "../dist/main.js"\n',
  })
  chmodSync(join(root, 'packages/sound/bin/sound.js'), 0o755)
  t.match(packageFaults(root), [/no README/, /no #!/])
  t.end()
})

t.test('finds an import that is not declared', (t) => {
  const root = makeTree(t.testdir(), {
    'packages/sound/package.json': JSON.stringify({
      ...SOUND,
      dependencies: { zod: '4', '@reversed-vpn/a': '1' },
    }),
    'packages/sound/src/a.ts':
      "import { z } from 'zod/v4'\nimport '@reversed-vpn/a'\nimport '@reversed-vpn/b'\nimport 'node:net'\nimport './b.js'\n",
  })
  t.strictSame(undeclaredImports(root), [
    'packages/sound/src/a.ts imports @reversed-vpn/b, which its package.json does not name',
  ])
  t.end()
})

function packageWith(dir: string, manifest: object): string {
  const root = makeTree(dir, {
    'packages/sound/package.json': JSON.stringify(manifest),
    'packages/sound/README.md': '# sound\n',
    'packages/sound/bin/sound.js': "#!/usr/bin/env node\nimport '../dist/main.js'\n",
  })
  chmodSync(join(root, 'packages/sound/bin/sound.js'), 0o755)
  return root
}
