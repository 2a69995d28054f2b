import { endpoint, endpointOrUnix, formatEndpoint, hostName, isHostName } from '@reversed-vpn/daemon'
import t from 'tap'

t.test('an endpoint is an address or a name, and a port', async (t) => {
  const kind = endpoint()
  t.same(kind.parse('[::]:1194'), { type: 'tcp', host: '::', port: 1194 })
  t.same(kind.parse('0.0.0.0:9443'), { type: 'tcp', host: '0.0.0.0', port: 9443 })
  t.same(kind.parse('vpn-seed-server.ns.svc.cluster.local.:0'), {
    type: 'tcp',
    host: 'vpn-seed-server.ns.svc.cluster.local.',
    port: 0,
  })
})

t.test('what is no endpoint is refused, with a reason where one can be told', async (t) => {
  const kind = endpoint()
  const vague = ['', ':9443', 'host', 'host:', 'host:http', '[::]', '[]:1', '[1.2.3.4]:5', '[host]:5']
  for (const bad of [...vague, '300.1.1.1:5', '1.2.3:4', '0x7f.1:5', 'a b:5', '-a:5', 'a..b:5', 'unix:/x'])
    t.equal(kind.parse(bad), undefined, JSON.stringify(bad))
  t.throws(() => kind.parse('[fe80::1%eth0]:1194'), { message: 'a zone ID is not allowed' })
  t.throws(() => kind.parse('::1:1194'), { message: 'an IPv6 address needs brackets' })
  t.throws(() => kind.parse('host:65536'), { message: 'port 65536 is out of range' })
})

t.test('an endpoint to dial has a port', async (t) => {
  t.throws(() => endpoint({ minPort: 1 }).parse('host:0'), { message: 'port 0 is out of range' })
  t.match(endpoint({ minPort: 1 }).expected, '1–65535')
})

t.test(
  'a Unix socket is taken only where it may be, with an absolute path that fits the kernel',
  async (t) => {
    const kind = endpointOrUnix()
    t.same(kind.parse('unix:/run/egress.sock'), { type: 'unix', path: '/run/egress.sock' })
    t.same(kind.parse('[::1]:1'), { type: 'tcp', host: '::1', port: 1 })
    t.equal(kind.parse('unix:egress.sock'), undefined)
    t.equal(kind.parse('unix:'), undefined)
    t.equal(kind.parse('unix:/a\0b'), undefined)
    t.throws(() => kind.parse(`unix:/${'x'.repeat(107)}`), { message: 'a path of 108 B exceeds 107 B' })
  },
)

t.test('an endpoint is written as it is read', async (t) => {
  const kind = endpointOrUnix()
  for (const written of ['[::1]:1194', '10.0.0.1:1', 'host.example:443', 'unix:/run/x']) {
    const read = kind.parse(written)
    t.equal(read && formatEndpoint(read), written)
  }
})

t.test('a name is no address and an address has no zone', async (t) => {
  t.ok(isHostName('a-b_c.example'))
  t.notOk(isHostName('10.0.0.1'))
  t.notOk(isHostName(`${'a'.repeat(64)}.example`))
  t.notOk(isHostName('a.'.repeat(128)))
  const kind = hostName()
  t.equal(kind.parse('10.0.0.1'), '10.0.0.1')
  t.equal(kind.parse('fd00::1'), 'fd00::1')
  t.equal(kind.parse('vpn.example.'), 'vpn.example', 'as certificates have it')
  t.equal(kind.parse('fe80::1%eth0'), undefined)
  t.equal(kind.parse('a b'), undefined)
})
