import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

const PACKAGE = fileURLToPath(new URL('..', import.meta.url))
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin', 'tsc')

test('the example in the README compiles', async (t) => {
  const [, example] = /```ts\n(.*?)```/s.exec(readFileSync(join(PACKAGE, 'README.md'), 'utf8')) ?? []
  if (example === undefined) throw new Error('no example found')
  const project = join(PACKAGE, 'dist-test', 'readme-example.json')
  const source = join(PACKAGE, 'dist-test', 'readme-example.ts')
  t.teardown(() => [project, source].map((file) => rmSync(file)))
  writeFileSync(source, example)
  const compilerOptions = { noEmit: true, composite: false, incremental: false }
  const settings = { extends: '../../../tsconfig.base.json', compilerOptions, files: ['readme-example.ts'] }
  writeFileSync(project, JSON.stringify(settings))
  const { status, stdout } = spawnSync(process.execPath, [TSC, '-p', project], { encoding: 'utf8' })
  t.equal(status, 0, stdout)
})
