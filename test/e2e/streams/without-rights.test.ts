import { readFileSync } from 'node:fs'
import { binOf, type LogRecord, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { startFlowServer } from '../support/flow.js'
import { readMachine } from '../support/machine.js'
import { asNobody, NOBODY_UID, openToEveryone } from '../support/rights.js'
import { inUrl, TunnelLab } from '../support/tunnel-lab.js'
import { endReportOf, startEchoStreams } from './support/echo-streams.js'

const MEGABYTES_20 = 20_000_000
const STREAMS = ['--carry', 'streams']

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { node, node2, pod1, pod2, seed: seedHost } = lab.hosts
await openToEveryone(lab)
await Promise.all([...[node, node2, pod1, pod2].map((host) => startNginx(lab, host)), startFlowServer(pod1)])
const untouched = await readBoth()
const [seed, client] = await Promise.all([
  stage.startSeed(STREAMS, [...asNobody(), binOf('seed-server')]),
  stage.startClient({ args: STREAMS, command: [...asNobody(), binOf('shoot-client')] }),
])

t.test('both daemons become ready as nobody, without any capability', async (t) => {
  await Promise.all([seed.waitUntilReady(), client.waitUntilReady()])
  for (const { pid } of [seed, client]) {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    t.match(status, new RegExp(`^Uid:(\\t${NOBODY_UID}){4}$`, 'm'))
    t.match(status, 'NoNewPrivs:\t1\n')
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb']) t.match(status, `Cap${set}:\t${'0'.repeat(16)}\n`)
  }
})

t.test('pods, nodes and services are reached over both families', async (t) => {
  const { service } = lab
  for (const [what, { ipv4, ipv6 }, answer] of [
    ['a pod', pod1.addresses, /^pod1\n$/],
    ['a node', node2.addresses, /^node2\n$/],
    ["the shoot-client's node", node.addresses, /^node\n$/],
    ['a service', service, /^pod[12]\n$/],
  ] as const)
    for (const address of [ipv4, ipv6]) {
      const { code, stdout, stderr } = await stage.curlEgress(`http://${inUrl(address)}/`)
      t.match(stdout, answer, `${what} at ${address}: ${code} ${stderr}`)
    }
})

t.test('a target is refused as it is with packets, in the answer and in the access log', async (t) => {
  const { ipv4, ipv6 } = pod1.addresses
  for (const [target, status, reason] of [
    ['198.51.100.10:80', 403, 'prohibited'],
    ['127.0.0.1:80', 403, 'prohibited'],
    ['[::1]:80', 403, 'prohibited'],
    ['169.254.169.254:80', 403, 'prohibited'],
    [`${ipv4}:81`, 502, 'refused'],
    [`[${ipv6}]:81`, 502, 'refused'],
  ] as const) {
    const fromLine = seed.process.output.length
    const { stderr } = await stage.curlEgress(`http://${target}/`)
    t.match(stderr, new RegExp(`\\b${status}\\b`), `${target}: ${stderr}`)
    const isRefusal = ({ msg, code }: LogRecord) => msg === 'egress request' && code === status
    t.match(await seed.waitForLog(isRefusal, { fromLine }), { target, reason })
  }
})

for (const family of ['ipv4', 'ipv6'] as const)
  t.test(
    `20 MB go and come back over ${family}, and the half that ended first took its tail along`,
    async (t) => {
      const target = `${inUrl(pod1.addresses[family])}:7007`
      const program = await startEchoStreams(stage, { count: 1, target, bytes: MEGABYTES_20 })
      t.match(await endReportOf(program), { failures: [], intact: 1, heardBytes: MEGABYTES_20 })
    },
  )

t.test('neither host was touched, while they ran and after they stopped', async (t) => {
  t.strictSame(await readBoth(), untouched)
  await Promise.all([seed.stop(), client.stop()])
  t.strictSame(await readBoth(), untouched)
  for (const daemon of [seed, client]) t.match(daemon.logs.at(-1), { level: 'info' }, 'it stopped in order')
})

async function readBoth() {
  return { seed: await readMachine(seedHost), node: await readMachine(node) }
}
