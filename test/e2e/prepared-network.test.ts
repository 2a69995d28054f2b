import { readFileSync } from 'node:fs'
import {
  binOf,
  type Daemon,
  flags,
  type Host,
  networkFlags,
  ROUTED_CALLER,
  startNginx,
} from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { Download, LASTING_BYTES } from './support/download.js'
import { publishNoise } from './support/files.js'
import { readMachine } from './support/machine.js'
import { countPackets } from './support/packet-count.js'
import { asNetworkAdmin, asPlainUser, openToEveryone, PLAIN_UID } from './support/rights.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const LANES = 2
const SEED_TRANSFER = ['192.168.123.1', 'fd8f:6d53:b97a:1::1']
const FIREWALL = 'inet reversed_vpn_vpn0'
const SIDES = [
  { name: 'seed-server', hostName: 'seed' },
  { name: 'shoot-client', hostName: 'node' },
] as const

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab, certificates } = stage
const { caller, internet, node, node2, pod1, seed: seedHost } = lab.hosts
await Promise.all([
  openToEveryone(lab),
  startNginx(lab, pod1),
  startNginx(lab, node2),
  startNginx(lab, seedHost, { port: 8080 }),
])
const noise = await publishNoise(lab, pod1, 'noise', LASTING_BYTES)
const untouched = await readBoth()

let seed: Daemon
let client: Daemon

t.test('without a set-up a daemon without rights says what it lacks', async (t) => {
  const [auto, prepared] = await Promise.all([runSeed([]), runClient(['--network-setup', 'prepared'])])
  const rights = /vpn0 .*uid 65532 \(EPERM\): expected CAP_NET_ADMIN, or an interface that setup made/
  t.match(auto, { code: 1, line: rights })
  t.match(prepared, { code: 1, line: /there is no interface vpn0, expected one that setup made/ })
  t.strictSame(await readBoth(), untouched)
})

t.test('setup needs root with CAP_NET_ADMIN alone, and no sysctl that can be written', async (t) => {
  for (const result of await setUpBoth('--uid', `${PLAIN_UID}`)) {
    t.match(result, { code: 0, stderr: '', stdout: /"isNew":true.*"msg":"network set up"/ })
  }
})

t.test('both daemons carry traffic without any capability, and have nothing to write to', async (t) => {
  ;[seed, client] = await Promise.all([startSeed(), startClient()])
  await expectTraffic(t)
  for (const daemon of [seed, client]) {
    const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8')
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) {
      t.match(status, new RegExp(`^Cap${set}:\\s+0+$`, 'm'), `Cap${set} of ${daemon.host.name}`)
    }
    t.match(status, /^NoNewPrivs:\s+1$/m)
    t.match(status, new RegExp(`^Uid:(\\s+${PLAIN_UID}){4}$`, 'm'))
    t.strictSame(writableMounts(daemon), [])
  }
})

t.test('a second daemon cannot take half of the packets', async (t) => {
  const args = ['--admin-listen', '[::]:15100']
  for (const result of await Promise.all([runSeed(args), runClient(args)])) {
    t.match(result, { code: 1, line: /interface vpn0 is in use by another process/ })
  }
})

t.test('setup changes nothing the second time, also under a daemon that runs', async (t) => {
  const prepared = await readBoth()
  t.notSame(prepared, untouched)
  const download = await startDownload('routed')
  const more = ['--keepalive', '1s', '--tls-cert', '/nowhere']
  for (const result of await setUpBoth('--uid', `${PLAIN_UID}`, ...more)) {
    t.match(result, { code: 0, stderr: '', stdout: /"isNew":false.*"msg":"network set up"/ })
  }
  t.equal(await download.outcome(), 'intact')
  t.strictSame(await readBoth(), prepared)
})

t.test('what is inside goes on when lanes are cut and dialled again', async (t) => {
  const downloads = await Promise.all([startDownload('routed'), startDownload('proxied')])
  const fromLine = client.process.output.length
  await node.mustRun('ss', ['-t', '-K', 'dport', '=', '1194'])
  const up = new Set<unknown>()
  await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && up.add(lane).size === LANES, {
    fromLine,
  })
  for (const download of downloads) t.equal(await download.outcome(), 'intact')
  const bytes = await meanPacketBytes(seed)
  t.ok(bytes > 3000, `in GSO packets: ${Math.round(bytes)} bytes on average`)
})

t.test('nothing leaks past daemons that were killed, and the next ones go on', async (t) => {
  const prepared = await readBoth()
  await using leaks = await countPackets(internet, [
    'ip daddr { 100.96.0.0/11, 192.168.123.0/24 }',
    'ip6 daddr { fd00:10::/32, fd8f:6d53:b97a:1::/112 }',
  ])
  const knock = () =>
    Promise.all([
      ...Object.values(pod1.addresses).flatMap((pod) => [ping(caller, pod), ping(seedHost, pod)]),
      ...SEED_TRANSFER.map((address) => ping(pod1, address)),
    ])
  await client.stop('SIGKILL')
  await seed.waitForLog(({ msg }) => msg === 'session closed')
  await knock()
  client = await startClient()
  await expectTraffic(t)
  await seed.stop('SIGKILL')
  await knock()
  t.strictSame([...(await leaks.readAll()).values()], [0, 0])
  t.strictSame(await readBoth(), prepared)
  seed = await startSeed()
  await expectTraffic(t)
})

t.test('the shoot opens no connection into the seed, not even without its own firewall', async (t) => {
  t.equal((await seedHost.run('curl', ['-sS', 'http://192.168.123.1:8080/'])).stdout, 'seed\n', 'to itself')
  await expectUnreachable(t, pod1)
  const { stdout: rules } = await node.mustRun('nft', ['list', 'table', ...FIREWALL.split(' ')])
  await node.nft(`delete table ${FIREWALL}\n`)
  await expectUnreachable(t, node)
  await node.nft(rules)
})

t.test(
  'a daemon that sees the firewall go says so and carries nothing until setup has run again',
  async (t) => {
    await Promise.all([seedHost, node].map((host) => host.nft(`delete table ${FIREWALL}\n`)))
    for (const daemon of [seed, client]) {
      await daemon.waitForLog(({ msg }) => msg === 'network is not as it should be')
      t.match(await daemon.admin('/readyz'), {
        status: 503,
        body: /vpn0: its firewall does not drop what it must/,
      })
    }
    t.not((await stage.curlEgress(`http://${pod1.addresses.ipv4}/`, ['-m', '1'])).code, 0)
    for (const result of await setUpBoth('--uid', `${PLAIN_UID}`)) t.match(result, { code: 0 })
    await expectTraffic(t)
  },
)

t.test('a daemon refuses what was set up for something else, and names it', async (t) => {
  await client.stop()
  const networks = /it is not for the networks .*10\.77\.0\.0\/16 \(pod\)/
  t.match(await runClient(['--pod-network', '10.77.0.0/16']), { code: 1, line: networks })
  await seed.stop()
  const mtu = await runSeed(['--mtu', '1400'])
  const [routed, owner] = await Promise.all([runSeed([]), runClient([], PLAIN_UID + 1)])
  t.match(mtu, { code: 1, line: /its MTU is 1500, expected 1400/ })
  t.match(routed, { code: 1, line: /it takes routed packets, expected none/ })
  t.match(owner, { code: 1, line: /by uid 65533 \(EPERM\): it was set up for uid 65532/ })
})

t.test('setup --undo leaves the machine as it was, however often', async (t) => {
  for (const result of [...(await setUpBoth('--undo')), ...(await setUpBoth('--undo'))]) {
    t.match(result, { code: 0, stderr: '' })
  }
  t.strictSame(await readBoth(), untouched)
})

async function readBoth() {
  return { seed: await readMachine(seedHost), node: await readMachine(node) }
}

/** As an init container does that has CAP_NET_ADMIN. */
function setUpBoth(...words: string[]) {
  return Promise.all(
    SIDES.map(({ name, hostName }) => {
      const [program = '', ...args] = [...asNetworkAdmin(), binOf(name), 'setup', ...flags(networkFlags())]
      const sources = hostName === 'seed' ? ROUTED_CALLER : []
      return lab.hosts[hostName].run(program, [...args, ...sources, ...words])
    }),
  )
}

function startSeed(): Promise<Daemon> {
  return stage.startSeed([], [...asPlainUser(), binOf('seed-server')])
}

function startClient(): Promise<Daemon> {
  const command = [...asPlainUser(), binOf('shoot-client')]
  return stage.startClient({ args: ['--lanes', String(LANES)], command })
}

interface Refusal {
  readonly code: number
  /** All it said. */
  readonly line: string
}

/** Starts a daemon that is going to end by itself. */
function runSeed(args: readonly string[]): Promise<Refusal> {
  const { seedServer, egressServer, tunnelCa, egressCa } = certificates
  const files = {
    'tls-cert': seedServer.certFile,
    'tls-key': seedServer.keyFile,
    'tls-ca': tunnelCa.certFile,
    'egress-tls-cert': egressServer.certFile,
    'egress-tls-key': egressServer.keyFile,
    'egress-tls-ca': egressCa.certFile,
    ...networkFlags(),
  }
  return runToEnd(seedHost, PLAIN_UID, [binOf('seed-server'), ...flags(files), ...args])
}

function runClient(args: readonly string[], uid = PLAIN_UID): Promise<Refusal> {
  const { shootClient, tunnelCa } = certificates
  const files = {
    server: `${seedHost.addresses.ipv4}:1194`,
    'tls-cert': shootClient.certFile,
    'tls-key': shootClient.keyFile,
    'tls-ca': tunnelCa.certFile,
  }
  return runToEnd(node, uid, [binOf('shoot-client'), ...flags(files), ...args])
}

async function runToEnd(host: Host, uid: number, command: string[]): Promise<Refusal> {
  const [program = '', ...args] = [...asPlainUser(uid), ...command]
  const { code, stdout, stderr } = await host.run(program, args)
  return { code, line: stdout + stderr }
}

async function expectTraffic(t: Test): Promise<void> {
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  for (const address of [pod1.addresses.ipv4, pod1.addresses.ipv6]) {
    const url = `http://${inUrl(address)}/`
    t.match(await stage.curlEgress(url), { code: 0, stdout: 'pod1\n' }, `${url} through the proxy`)
    t.match(await stage.curlRouted(url), { code: 0, stdout: 'pod1\n' }, `${url} routed`)
  }
  const { ipv6 } = node2.addresses
  t.match((await ping(caller, ipv6, 20)).stdout, ' 2 received', `ping ${ipv6}`)
}

async function expectUnreachable(t: Test, from: Host): Promise<void> {
  const knock = async (address: string) => {
    const [curl, echo] = await Promise.all([
      from.run('curl', ['-sS', '-g', '-m', '1', `http://${inUrl(address)}:8080/`]),
      ping(from, address),
    ])
    t.not(curl.code, 0, `${from.name} dials ${address}`)
    t.match(echo.stdout, ' 0 received', `${from.name} pings ${address}`)
  }
  await Promise.all(SEED_TRANSFER.map(knock))
}

function ping(from: Host, address: string, waitSeconds = 1) {
  return from.run('ping', ['-c', '2', '-i', '0.05', '-W', String(waitSeconds), address])
}

function startDownload(way: 'routed' | 'proxied'): Promise<Download> {
  const url = `http://${inUrl(way === 'routed' ? pod1.addresses.ipv6 : pod1.addresses.ipv4)}/noise`
  return Download.start(stage, { way, url, original: noise })
}

/** Of file systems mounted at one place only the last is seen. */
function writableMounts({ pid }: Daemon): string[] {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, 'utf8').trim().split('\n')
  const optionsOf = new Map(
    lines.map((line) => {
      const [, , , , place = '', options = ''] = line.split(' ')
      return [place, options]
    }),
  )
  return [...optionsOf].filter(([, options]) => !/^ro(,|$)/.test(options)).map(([place]) => place)
}

/** Bytes of a packet from the shoot, on average. */
async function meanPacketBytes(daemon: Daemon): Promise<number> {
  const metrics = await daemon.metrics()
  const [bytes = 0, packets = 1] = ['bytes', 'packets'].map((what) =>
    metrics.get(`seed_server_tunnel_${what}_total{direction="toSeed"}`),
  )
  return bytes / packets
}
