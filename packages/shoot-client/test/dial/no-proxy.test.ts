import { isProxyUnwanted } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

/** `HOST PORT`, and lists that except it, or do not. */
const CASES: Readonly<
  Record<string, { readonly excepted: readonly string[]; readonly not: readonly string[] }>
> = {
  'api.example.com 443': {
    excepted: [
      'api.example.com',
      'example.com',
      'com',
      '.example.com',
      '*.example.com',
      'EXAMPLE.com',
      'example.com.',
      'example.com:443',
      '*',
      'other.org, example.com',
      'other.org  example.com',
      ',,*',
    ],
    not: [
      '',
      'other.org',
      'ample.com',
      '.api.example.com',
      'example.com:8443',
      'www.api.example.com',
      '10.0.0.0/8',
    ],
  },
  'API.example.com. 443': { excepted: ['api.example.com', '.example.com'], not: ['example.org'] },
  'example.com 443': { excepted: ['example.com', '*example.com'], not: ['.example.com', '*.example.com'] },
  '10.1.2.3 8132': {
    excepted: ['10.1.2.3', '10.0.0.0/8', '10.9.9.9/8', '10.1.2.3:8132', '0.0.0.0/0'],
    not: ['10.1.2.4', '10.1.2.3:443', '11.0.0.0/8', '10.0.0.0/33', '10.0.0.0/x', '1.2.3', '::/0'],
  },
  '2001:db8::1 8132': {
    excepted: ['2001:db8::1', '2001:DB8:0::1', '[2001:db8::1]', '[2001:db8::1]:8132', '2001:db8::/32'],
    not: ['2001:db8::2', '[2001:db8::1]:443', '0.0.0.0/0'],
  },
  '[2001:db8::1] 8132': { excepted: ['2001:db8::1'], not: ['2001:db8::2'] },
  'localhost 443': { excepted: ['', 'other.org'], not: [] },
  '127.0.0.2 443': { excepted: [''], not: [] },
  '::1 443': { excepted: [''], not: [] },
}

for (const [target, { excepted, not }] of Object.entries(CASES)) {
  t.test(target, async (t) => {
    const [host = '', port] = target.split(' ')
    const ask = (list: string) => isProxyUnwanted({ host, port: Number(port) }, list)
    for (const list of excepted) t.equal(ask(list), true, `excepted by "${list}"`)
    for (const list of not) t.equal(ask(list), false, `not excepted by "${list}"`)
  })
}
