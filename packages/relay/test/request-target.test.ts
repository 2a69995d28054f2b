import { requestTarget } from '@reversed-vpn/relay'
import t from 'tap'

t.test('a request goes where its first line says, and else where Host says', async (t) => {
  const headers = { host: 'proxy.example' }
  for (const [url, host, path] of [
    ['/a?b', 'proxy.example', '/a?b'],
    ['//a', 'proxy.example', '//a'],
    ['*', 'proxy.example', '*'],
    ['http://gate.example:80/a?b', 'gate.example:80', '/a?b'],
    ['HTTPS://[fd00::1]', '[fd00::1]', '/'],
    ['ws://gate.example?b', 'gate.example', '/?b'],
  ] as const)
    t.same(requestTarget({ url, headers }), { host, path }, url)
})
