import { basicCredentials, proxyFromEnvironment } from '@reversed-vpn/shoot-client/testing'
import t from 'tap'

const target = { host: 'seed.example.com', port: 8132 }

const READ: readonly (readonly [NodeJS.ProcessEnv, string | undefined])[] = [
  [{ HTTPS_PROXY: 'http://proxy:3128' }, 'http://proxy:3128/'],
  [{ HTTPS_PROXY: 'proxy:3128' }, 'http://proxy:3128/'],
  [{ HTTPS_PROXY: 'proxy' }, 'http://proxy/'],
  [{ HTTPS_PROXY: '10.0.0.1:3128' }, 'http://10.0.0.1:3128/'],
  [{ HTTPS_PROXY: '[2001:db8::1]:3128' }, 'http://[2001:db8::1]:3128/'],
  [{ HTTPS_PROXY: 'user:pass@proxy:3128' }, 'http://user:pass@proxy:3128/'],
  [{ HTTPS_PROXY: ' https://proxy ' }, 'https://proxy/'],
  [{ https_proxy: 'lower:1', HTTPS_PROXY: 'upper:1' }, 'http://lower:1/'],
  [{ https_proxy: '', HTTPS_PROXY: 'upper:1' }, 'http://upper:1/'],
  [{ ALL_PROXY: 'all:1' }, 'http://all:1/'],
  [{ HTTP_PROXY: 'plain:1' }, undefined],
  [{ HTTPS_PROXY: 'proxy:1', NO_PROXY: 'example.com' }, undefined],
  [{ HTTPS_PROXY: 'proxy:1', no_proxy: 'other.org', NO_PROXY: 'example.com' }, 'http://proxy:1/'],
  [{}, undefined],
]

for (const [env, url] of READ) {
  t.test(`${JSON.stringify(env)}: ${url ?? 'no proxy'}`, async (t) => {
    t.equal(proxyFromEnvironment(target, env)?.href, url)
  })
}

t.test('what is no proxy of ours is refused by the name of its variable, without its value', async (t) => {
  for (const value of [
    'socks5://user:s3cret@proxy:1080',
    'http://',
    'http://proxy:99999',
    'user:s3c#ret@proxy',
  ]) {
    const read = () => proxyFromEnvironment(target, { ALL_PROXY: value })
    t.throws(read, { message: /^ALL_PROXY: expected a URL of scheme http or https, or HOST:PORT$/ }, value)
  }
})

t.test('credentials are read as curl reads them', async (t) => {
  const cases = {
    'user:pass': 'user:pass',
    'user:100%pass': 'user:100%pass',
    'user:100%': 'user:100%',
    'user:%zz%25': 'user:%zz%',
    'us%40er:p%3Aw': 'us@er:p:w',
    'user:p@ss': 'user:p@ss',
    user: 'user:',
    ':pass': ':pass',
    'müller:%C3%A4': 'müller:ä',
  }
  for (const [written, sent] of Object.entries(cases)) {
    const basic = `Basic ${Buffer.from(sent).toString('base64')}`
    t.equal(basicCredentials(new URL(`http://${written}@proxy:3128`)), basic, written)
  }
  t.equal(
    basicCredentials(new URL('http://user:%FF@proxy')),
    `Basic ${Buffer.from('user:\xff', 'latin1').toString('base64')}`,
  )
  t.equal(basicCredentials(new URL('http://proxy')), undefined)
})
