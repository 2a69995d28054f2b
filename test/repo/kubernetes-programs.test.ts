// What `npm run test:kubernetes` says of a machine where it can't build Kubernetes.
import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { runCommand } from '@reversed-vpn/test/lab'
import t from 'tap'
import { makeTree } from './made-up-tree.js'
import { REPOSITORY } from './source-tree.js'

const NEEDS_GO =
  'npm run test:kubernetes needs Go >= 1\\.\\d+\\.\\d+: install it from https://go\\.dev/dl\\n$'

t.test('Go that is missing is one line and exit code 2', async (t) => {
  t.match(await prepareWithPath(t.testdir({})), {
    stdout: '',
    stderr: new RegExp(`^prepare: no go in PATH; ${NEEDS_GO}`),
    code: 2,
  })
})

t.test('Go that is too old is one line and exit code 2', async (t) => {
  const dir = makeTree(t.testdir({}), { go: '#!/bin/sh\necho go1.22.12\n' })
  chmodSync(join(dir, 'go'), 0o755)
  t.match(await prepareWithPath(dir), {
    stdout: '',
    stderr: new RegExp(`^prepare: go in PATH is go1\\.22\\.12; ${NEEDS_GO}`),
    code: 2,
  })
})

/** @param path where programs are looked up */
function prepareWithPath(path: string) {
  const script = join(REPOSITORY, 'test', 'dist', 'kubernetes', 'prepare.js')
  return runCommand(process.execPath, [script], { env: { PATH: path } })
}
