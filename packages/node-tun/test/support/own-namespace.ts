// Imported first, for its effect: the test file runs again in a network namespace of its own, where it may make what
// interfaces it likes. Where that is not allowed the file is skipped with the reason.
import { execFileSync, spawnSync } from 'node:child_process'

const MARK = 'NODE_TUN_TEST_NAMESPACE'

if (process.env[MARK] === undefined) {
  if (process.getuid?.() !== 0) {
    console.log('TAP version 14\n1..0 # SKIP needs root for a network namespace')
    process.exit(0)
  }
  const command = ['--net', process.execPath, ...process.execArgv, ...process.argv.slice(1)]
  const { status } = spawnSync('unshare', command, { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } })
  process.exit(status ?? 1)
}
execFileSync('ip', ['link', 'set', 'lo', 'up'])
