import { readIpAnswers } from '@reversed-vpn/host-network/testing'
import t from 'tap'

t.test('a refused line stands among those that list something', (t) => {
  const stdout = '[{"dst":"100.64.0.0/13","dev":"vpn0"}]\n[ ]\n'
  const stderr = [
    'RTNETLINK answers: Invalid argument',
    'Command failed -:1',
    'Error: ipv4: FIB table does not exist.',
    'Dump terminated',
    'Command failed -:3',
    '',
  ].join('\n')
  t.strictSame(readIpAnswers(stdout, stderr, 4), [
    'Invalid argument',
    [{ dst: '100.64.0.0/13', dev: 'vpn0' }],
    'Error: ipv4: FIB table does not exist.',
    [],
  ])
  t.end()
})

t.test('what does not say which line it is about is no answer', (t) => {
  t.equal(readIpAnswers('[]\n', '', 2), undefined)
  t.equal(readIpAnswers('', 'Cannot open netlink socket: Too many open files\n', 1), undefined)
  t.end()
})
