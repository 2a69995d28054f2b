import {
  boolean,
  custom,
  duration,
  filePath,
  httpHeader,
  integer,
  type OptionKind,
  oneOf,
  text,
  url,
} from '@reversed-vpn/daemon'
import fc from 'fast-check'
import t, { type Test } from 'tap'

// The same cases every time, or a test would fail for whoever comes by; another seed explores others.
fc.configureGlobal({ seed: Number(process.env.FAST_CHECK_SEED ?? 1) })

function refuses<T>(test: Test, kind: OptionKind<T>, texts: readonly string[]): void {
  for (const bad of texts) test.equal(kind.parse(bad), undefined, JSON.stringify(bad))
}

t.test('a duration has a unit and comes out in whole milliseconds', async (t) => {
  const kind = duration()
  t.equal(kind.parse('100ms'), 100)
  t.equal(kind.parse('20s'), 20_000)
  t.equal(kind.parse('1.5s'), 1500)
  t.equal(kind.parse('2m'), 120_000)
  t.equal(kind.parse('1h'), 3_600_000)
  t.equal(kind.parse('0s'), 0)
  refuses(t, kind, ['', '5', 's', '-1s', '1e3s', '1 s', '5d', '5S', 'Infinitys', '5s\n', '1m30s'])
})

t.test('a duration keeps its limits, and no default one overflows a timer', async (t) => {
  const kind = duration({ min: '100ms', max: '10s' })
  t.equal(kind.parse('100ms'), 100)
  t.equal(kind.parse('10s'), 10_000)
  refuses(t, kind, ['99ms', '10001ms'])
  t.match(kind.expected, 'between 100ms and 10s')
  t.ok((duration().parse('596h') ?? 0) < 2 ** 31)
  refuses(t, duration(), ['597h'])
  t.throws(() => duration({ min: 'soon' }), TypeError)
})

t.test('an integer is decimal and within its range', async (t) => {
  const kind = integer(68, 65535)
  t.equal(kind.parse('1500'), 1500)
  t.equal(kind.parse('68'), 68)
  refuses(t, kind, ['67', '65536', '1e3', '0x100', '1500.0', '', ' 1500', '99999999999999999999'])
  t.equal(integer(-5, 5).parse('-5'), -5)
})

t.test('every integer within its range reads back as itself', async () => {
  const kind = integer(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => kind.parse(String(value)) === value))
})

t.test('a boolean is true or false and nothing like it', async (t) => {
  t.equal(boolean().parse('true'), true)
  t.equal(boolean().parse('false'), false)
  refuses(t, boolean(), ['', '1', 'yes', 'True'])
})

t.test('one of a few words is taken exactly', async (t) => {
  t.equal(oneOf(['auto', 'off']).parse('off'), 'off')
  refuses(t, oneOf(['auto', 'off']), ['', 'OFF', 'aut', 'toString'])
})

t.test('a path is not empty and has no NUL', async (t) => {
  t.equal(filePath().parse('certs/tls.crt'), 'certs/tls.crt')
  refuses(t, filePath(), ['', 'a\0b'])
})

t.test('text matches its pattern as a whole, whatever alternatives and flags it has', async (t) => {
  const kind = text(/vpn\d+|tun/g, 'an interface name')
  t.equal(kind.parse('vpn0'), 'vpn0')
  t.equal(kind.parse('vpn0'), 'vpn0', 'no state is kept from one value to the next')
  t.equal(kind.parse('tun'), 'tun')
  refuses(t, kind, ['vpn0x', 'xtun', ''])
})

t.test('a URL has an allowed scheme and a host', async (t) => {
  const kind = url(['http', 'https'])
  t.equal(kind.parse('https://gateway.example:8132/x')?.port, '8132')
  refuses(t, kind, ['gateway.example:8132', 'ftp://gateway.example', 'http://', 'javascript:alert(1)', ''])
})

t.test('what is shown of a URL leaves out user and password, even where it does not parse', async (t) => {
  const { redact = String } = url(['http'])
  for (const secret of [
    'http://user:hunter2@proxy:3128',
    'user:hunter2@proxy:3128',
    'http:user:hunter2@proxy',
    'http://user:hun@ter2@proxy',
    'http://user:hunter2/@proxy',
  ]) {
    t.notMatch(redact(secret), /hun|ter2/, secret)
    t.match(redact(secret), /proxy/)
  }
  t.equal(redact('http://proxy:3128/path'), 'http://proxy:3128/path')
})

t.test('a header is a token and a value without line breaks', async (t) => {
  const kind = httpHeader()
  t.same(kind.parse('Reversed-VPN: outbound|1194||vpn-seed-server.ns.svc.cluster.local'), {
    name: 'Reversed-VPN',
    value: 'outbound|1194||vpn-seed-server.ns.svc.cluster.local',
  })
  t.same(kind.parse('Accept:a, b\t'), { name: 'Accept', value: 'a, b' })
  refuses(t, kind, [
    'no colon',
    ': value',
    'Bad Name: value',
    'Name : value',
    'Name: a\r\nEvil: b',
    'Name: a\0b',
    'Näme: x',
  ])
})

t.test('what is shown of a header is its name', async (t) => {
  const { redact = String } = httpHeader()
  t.equal(redact('Authorization: Basic c2VjcmV0'), 'Authorization: ***')
  t.equal(redact('Authorization Basic\nc2VjcmV0'), 'Authorization: ***')
})

t.test('a custom kind brings its own parser', async (t) => {
  const kind = custom({ placeholder: 'A/B', expected: 'a pair', parse: (pair) => pair.split('/') })
  t.same(kind.parse('1/2'), ['1', '2'])
  t.equal(kind.suffix, '')
})
