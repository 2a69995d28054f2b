import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readRoutesFile } from '@reversed-vpn/sni-gateway/testing'
import t from 'tap'

const README = new URL('../../README.md', import.meta.url)

function read(text: string) {
  const dir = t.testdir({ 'routes.yaml': text })
  return readRoutesFile(join(dir, 'routes.yaml'))
}

const DESTINATION = 'outbound|1194||vpn-seed-server.one.svc.cluster.local'

t.test('reads the example of the README', async (t) => {
  const [, example = ''] = /```yaml\n(.*?)```/s.exec(readFileSync(README, 'utf8')) ?? []
  const table = read(example)
  t.equal(table.findByServerName('API.One.Example', ['h2'])?.name, 'one-kube-apiserver')
  t.equal(table.findByServerName('api.one.example', ['reversed-vpn/1'])?.name, 'one-seed-server')
  t.match(table.findByDestination(DESTINATION), {
    name: 'one-seed-server',
    backend: { host: 'vpn-seed-server.one.svc.cluster.local', port: 1194 },
    proxyProtocol: 'v2',
  })
  t.equal(table.findByServerName('two.example', []), undefined)
  t.equal(table.findByDestination(`${DESTINATION}.`), undefined)
})

t.test('a server name counts without the dot of the root', async (t) => {
  const table = read('routes: [{name: a, serverNames: [A.example.], backend: "b.:1"}]')
  t.equal(table.findByServerName('a.example', [])?.name, 'a')
})

t.test('a route that asks for a protocol is only for those who offer it', async (t) => {
  const table = read('routes: [{name: a, serverNames: [a.example], alpn: x, backend: "b:1"}]')
  t.equal(table.findByServerName('a.example', []), undefined)
  t.equal(table.findByServerName('a.example', ['y', 'x'])?.name, 'a')
})

const ROUTE = 'name: a, serverNames: [a.example], backend: "b:1"'
const BAD: readonly (readonly [what: string, text: string, message: RegExp])[] = [
  ['no YAML', 'routes: [', /routes\.yaml: .*line 1/],
  ['two documents', 'routes: []\n---\nroutes: []', /expected one YAML document, found 2/],
  ['nothing', '', /expected one YAML document, found 0/],
  ['a list', '[]', /the document: /],
  ['no routes', '{}', /routes: /],
  ['an unknown field', `routes: [{${ROUTE}, weight: 3}]`, /routes\[0\]: .*weight/],
  [
    'a backend without port',
    'routes: [{name: a, serverNames: [a.example], backend: b}]',
    /routes\[0\]\.backend: expected/,
  ],
  [
    'a backend with port 0',
    'routes: [{name: a, serverNames: [a.example], backend: "b:0"}]',
    /routes\[0\]\.backend: port 0/,
  ],
  [
    'a server name with a wildcard',
    'routes: [{name: a, serverNames: ["*.a"], backend: "b:1"}]',
    /serverNames\[0\]: expected a DNS name/,
  ],
  [
    'a malformed destination',
    'routes: [{name: a, destinations: ["b:1"], backend: "b:1"}]',
    /destinations\[0\]: expected outbound/,
  ],
  [
    'a route that nothing leads to',
    'routes: [{name: a, backend: "b:1"}]',
    /routes\[0\]: expected serverNames or destinations/,
  ],
  [
    'a name twice',
    `routes: [{${ROUTE}}, {name: a, serverNames: [b.example], backend: "b:1"}]`,
    /routes\[1\]: name a is taken by routes\[0\]/,
  ],
  [
    'a server name twice',
    `routes: [{${ROUTE}}, {name: b, serverNames: [A.example], backend: "b:1"}]`,
    /routes\[1\]: server name a\.example is taken/,
  ],
  [
    'a destination twice',
    `routes: [{name: a, destinations: ["${DESTINATION}"], backend: "b:1"}, {name: b, destinations: ["${DESTINATION}"], backend: "b:2"}]`,
    /routes\[1\]: destination .* is taken/,
  ],
  [
    'another version of the PROXY protocol',
    `routes: [{${ROUTE}, proxyProtocol: v3}]`,
    /routes\[0\]\.proxyProtocol/,
  ],
  ['aliases', `a: &a {${ROUTE}}\nroutes: [*a]`, /routes\.yaml: /],
]

for (const [what, text, message] of BAD) {
  t.test(`refuses ${what}, naming the place`, async (t) => {
    t.throws(() => read(text), { name: 'RoutesFileError', message })
  })
}

t.test('says that a file cannot be read', async (t) => {
  t.throws(() => readRoutesFile('/nowhere/routes.yaml'), {
    message: /\/nowhere\/routes\.yaml: cannot be read: ENOENT/,
  })
})
