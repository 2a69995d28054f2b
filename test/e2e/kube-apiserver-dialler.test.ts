import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { type DiallerTask, runDialler } from './support/run-dialler.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const BANNER = 'SSH-2.0-pod1'
const PORT = 22
const DIALS_A_FAMILY = 100
/** The proxy's own limit of ten seconds for a dial, and what a busy machine takes. */
const DIAL_LIMIT_MS = 25_000
const SILENT_PORT = `table inet silent {
  chain input {
    type filter hook input priority 0
    tcp dport 23 drop
  }
}
`

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { caller, node, pod1, pod2, seed: seedHost } = lab.hosts
const path = join(lab.dir, 'egress.sock')
const tls = {
  host: 'seed',
  port: 9443,
  certFile: certificates.apiserver.certFile,
  keyFile: certificates.apiserver.keyFile,
  caFile: certificates.egressCa.certFile,
}
// On a Unix socket it is in the pod of the seed-server.
const WAYS = {
  TLS: { from: caller, proxy: tls },
  'a Unix socket': { from: seedHost, proxy: { path } },
} as const
const banner = await pod1.spawn('socat', [
  `TCP6-LISTEN:${PORT},ipv6only=0,fork,reuseaddr,nodelay`,
  `SYSTEM:printf ${BANNER}; cat`,
])
await pod1.waitForPort(banner, PORT, { families: [6] })
const { client } = await stage.startBoth([
  ...['--egress-listen', '[::]:9443', '--egress-listen', `unix:${path}`],
  ...['--egress-hold', '500ms'],
])

for (const [way, { from, proxy }] of Object.entries(WAYS)) {
  const dial = (target: string, count = 1) => runDialler(from, { proxy, target, count })

  t.test(`over ${way} no byte of a server that speaks first comes along with the 200`, async (t) => {
    const dials = Object.values(pod1.addresses).map(async (address) => {
      const { outcomes } = await dial(`${inUrl(address)}:${PORT}`, DIALS_A_FAMILY)
      t.strictSame(outcomes, { [BANNER]: DIALS_A_FAMILY }, address)
    })
    await Promise.all(dials)
  })

  t.test(`over ${way} every dial gets an answer, the reason on its first line`, async (t) => {
    await pod2.nft(SILENT_PORT)
    const { ipv4 } = pod2.addresses
    const wanted = [
      ['192.0.2.1:443', /^error: 403 /],
      [`${ipv4}:24`, /^error: 502 /],
      [`${ipv4}:23`, /^error: 504 /],
    ] as const
    const reports = await Promise.all(wanted.map(([target]) => dial(target)))
    for (const [index, { outcomes, ms }] of reports.entries()) {
      const [target, pattern] = wanted[index] ?? ['', /$^/]
      t.match(Object.keys(outcomes), [pattern], target)
      t.ok(ms < DIAL_LIMIT_MS, `${target}: within ${ms} ms`)
    }
    await pod2.nft('delete table inet silent\n')
  })
}

t.test('the dialler refuses what kube-apiserver refuses', async (t) => {
  const answers = {
    'HTTP/1.1 200 OK\r\n\r\nSSH-2.0-early': 'error: unexpected 13 bytes of buffered data',
    'HTTP/1.1 204 No Content\r\n\r\n': 'error: 204 No Content',
    'HTTP/1.1 503 tunnel down\r\nContent-Length: 5\r\n\r\nhello': 'error: 503 tunnel down',
    'HTTP/1.1 200 OK\r\n': 'error: closed before data',
  }
  for (const [answer, outcome] of Object.entries(answers)) {
    const file = join(lab.dir, 'false.sock')
    const script = join(lab.dir, 'false-proxy.sh')
    await writeFile(
      script,
      `sed -u '/^.$/q' >/dev/null\ncat <<'END' | head -c ${answer.length}\n${answer}\nEND\n`,
    )
    await using proxy = await node.spawn('socat', [`UNIX-LISTEN:${file},unlink-early`, `EXEC:sh ${script}`])
    await node.waitForUnixSocket(proxy, file)
    const task: DiallerTask = { proxy: { path: file }, target: '100.96.1.2:22', count: 1 }
    t.strictSame((await runDialler(node, task)).outcomes, { [outcome]: 1 }, answer)
  }
})

t.test('without a tunnel it hears 503 when the hold is over', async (t) => {
  await client.stop()
  for (const [way, { from, proxy }] of Object.entries(WAYS)) {
    const { outcomes } = await runDialler(from, { proxy, target: `${pod1.addresses.ipv4}:${PORT}`, count: 1 })
    t.match(Object.keys(outcomes), [/^error: 503 /], way)
  }
})
