import { spawnSync } from 'node:child_process'
import t from 'tap'
import { PROGRAM, readTestFile, runProcess, testFile } from './support/program.js'

const INPUT = ['--gardenlet', testFile('input/gardenlet-on.yaml'), '--shoot', testFile('input/plain.yaml')]

t.test('manifests go to stdout, and who dials to stderr', async (t) => {
  t.same(runProcess('render', ...INPUT), {
    stdout: readTestFile('golden/plain.yaml'),
    stderr: 'reversed-vpn: the shoot dials: the feature gate ReversedVPN is true\n',
    code: 0,
  })
})

t.test('bad input ends the process with 2 and one line', async (t) => {
  const nowhere = runProcess('render', ...INPUT, '--shoot', '/nowhere')
  t.match(nowhere, { code: 2, stdout: '', stderr: /^reversed-vpn: \/nowhere: cannot be read: .*\n$/ })
  t.match(runProcess(), {
    code: 2,
    stdout: '',
    stderr: /^reversed-vpn: no command .* render, gateway or certs\n$/,
  })
  t.match(runProcess('certs'), { code: 2, stdout: '', stderr: /^reversed-vpn: --output .*\n$/ })
})

t.test('a folder that cannot be written is the doing of the machine', async (t) => {
  const outcome = runProcess('render', ...INPUT, '--output', '/proc/nothing')
  t.match(outcome, { code: 1, stdout: '', stderr: /^reversed-vpn: .*\n$/ })
})

t.test('a reader that leaves early is no failure', (t) => {
  const command = '"$@" | true; echo "$PIPESTATUS"'
  const program = [process.execPath, PROGRAM, 'render', ...INPUT]
  const { stdout, stderr } = spawnSync('bash', ['-c', command, 'bash', ...program], { encoding: 'utf8' })
  t.equal(stdout, '0\n')
  t.notMatch(stderr, /EPIPE/)
  t.end()
})
