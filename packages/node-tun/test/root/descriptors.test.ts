import '../support/own-namespace.js'
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { test } from 'tap'

const CHILD = fileURLToPath(new URL('../support/exhaust-child.js', import.meta.url))

test('a queue for which no descriptor is left costs that queue, not the device', (t) => {
  const { stdout, stderr } = spawnSync('prlimit', ['--nofile=128', process.execPath, CHILD], {
    encoding: 'utf8',
  })
  t.strictSame(
    JSON.parse(stdout || '{}'),
    { code: 'EMFILE', isDeviceGone: false, first: 0, isSameLater: true },
    stderr,
  )
  t.end()
})
