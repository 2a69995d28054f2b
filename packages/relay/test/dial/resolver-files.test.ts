import { candidatesOf, hasOtherSources, hostsFileAddresses } from '@reversed-vpn/relay/testing'
import t from 'tap'

t.test('the hosts file: every line that has the name, in order', async (t) => {
  const hosts =
    '# none\n127.0.0.1 localhost\n10.0.0.1\tGate.example gate # gate2\n::1 localhost\nfd00::1 gate\nx gate\n'
  t.same(hostsFileAddresses(hosts, 'gate'), ['10.0.0.1', 'fd00::1'])
  t.same(hostsFileAddresses(hosts, 'GATE.example.'), ['10.0.0.1'])
  t.same(hostsFileAddresses(hosts, 'gate2'), [])
  t.same(hostsFileAddresses(hosts, 'localhost'), ['127.0.0.1', '::1'])
  t.same(hostsFileAddresses('', 'localhost'), ['127.0.0.1', '::1'])
  t.same(hostsFileAddresses('', ''), [])
})

t.test('the hosts file: what is a comment, an address or no address is no name', async (t) => {
  const hosts =
    '127.0.0.1 localhost\n::1\tlocalhost ip6-localhost # the same\n# 10.0.0.1 off\nbad name\n10.0.0.2  Node-1 n1\n'
  t.same(hostsFileAddresses(hosts, 'localhost'), ['127.0.0.1', '::1'])
  t.same(hostsFileAddresses(hosts, 'node-1'), ['10.0.0.2'])
  for (const name of ['off', 'name', 'same', '10.0.0.2', '']) t.same(hostsFileAddresses(hosts, name), [])
})

t.test('the hosts file: one that blocks very many names holds nobody up', async (t) => {
  const blocked = Array.from({ length: 100_000 }, (_, index) => `0.0.0.0 ad-${index}.example\n`).join('')
  const hosts = `${blocked}10.0.0.1 xad-1.example\n10.0.0.2 AD-1.example# again\n`
  t.same(hostsFileAddresses(hosts, 'ad-1.example'), ['0.0.0.0', '10.0.0.2'])
  const shortestMs = (work: () => unknown) =>
    Math.min(
      ...Array.from({ length: 5 }, () => {
        const fromMs = performance.now()
        work()
        return performance.now() - fromMs
      }),
    )
  const readingMs = shortestMs(() => hosts.split('\n').map((line) => line.split(/\s+/)))
  const lookUpMs = shortestMs(() => hostsFileAddresses(hosts, 'nowhere.example'))
  t.ok(lookUpMs < readingMs / 2, `${lookUpMs} ms, and ${readingMs} ms to take every line apart`)
})

t.test('the search list: before the name or behind it, by its dots', async (t) => {
  const cluster = 'nameserver 10.0.0.10\nsearch a.svc svc. cluster.local\noptions ndots:5 timeout:2\n'
  t.same(candidatesOf(cluster, 'api.example.com'), [
    'api.example.com.a.svc',
    'api.example.com.svc',
    'api.example.com.cluster.local',
    'api.example.com',
  ])
  t.same(candidatesOf(cluster, 'api.example.com.'), ['api.example.com'])
  t.same(candidatesOf('search example.com\n', 'api'), ['api.example.com', 'api'])
  t.same(candidatesOf('search example.com\n', 'api.other'), ['api.other', 'api.other.example.com'])
  t.same(candidatesOf('search one\ndomain two\nsearch .\n', 'api'), ['api'])
  t.same(candidatesOf('', 'api'), ['api'])
})

t.test('other sources of names leave the look-up to the library', async (t) => {
  t.equal(hasOtherSources('', 'a.example'), false)
  t.equal(hasOtherSources('hosts: files dns\n', 'a.example'), false)
  t.equal(
    hasOtherSources('hosts: files resolve [!UNAVAIL=return] dns myhostname # ldap\n', 'a.example'),
    false,
  )
  t.equal(hasOtherSources('passwd: ldap\nhosts: files ldap dns\n', 'a.example'), true)
  const multicast = 'hosts: files mdns4_minimal [NOTFOUND=return] dns\n'
  t.equal(hasOtherSources(multicast, 'a.example'), false)
  t.equal(hasOtherSources(multicast, 'printer.local'), true)
})
