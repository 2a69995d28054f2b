import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { type CommandResult, curlThroughEgress, startIperf3 } from '@reversed-vpn/test/lab'
import { isLossless, roundTripMs, throughputOf } from './measurements.js'
import type { Narrator } from './narrator.js'
import type { Stage } from './stage.js'

interface Scene {
  readonly title: string
  play(stage: Stage, narrator: Narrator): Promise<void>
}

const MEASURE_SECONDS = 3
const MEASURE_PORT = 5202
const BIG_FILE_BYTES = 64 * 1024 * 1024

/** The whole play, in order: each scene stands on what the ones before have put up. */
export const SCENES: readonly Scene[] = [
  { title: 'A private network that nobody can dial into', play: showPrivateNetwork },
  { title: 'The seed-server starts and waits', play: startSeed },
  { title: 'The shoot-client dials out through the gateway', play: dialOut },
  { title: 'The control plane reaches pods, services and nodes', play: reachThroughEgress },
  { title: 'Plain packets pass as well', play: ping },
  { title: 'What must not pass does not', play: refuse },
  { title: 'How fast it is', play: measure },
  { title: 'The connection breaks in the middle of a download', play: breakAndGoOn },
]

async function showPrivateNetwork(stage: Stage, narrator: Narrator): Promise<void> {
  await stage.startNeighbours()
  narrator.aside(
    'nginx runs in both pods and on a node, tinyproxy plays the gateway that takes HTTP CONNECT.',
  )
  const { caller, pod1 } = stage.lab.hosts
  const direct = await caller.run('curl', ['-sS', '-m', '2', `http://${pod1.addresses.ipv4}/`])
  assert.notEqual(direct.code, 0, `a pod answered without a tunnel: ${direct.stdout}`)
  narrator.proved(`Without a tunnel the control plane reaches no pod: "${direct.stderr.trim()}"`)
}

async function startSeed(stage: Stage, narrator: Narrator): Promise<void> {
  const seed = await stage.startSeedServer()
  assert.equal((await seed.admin('/healthz')).status, 200, '/healthz')
  const ready = await seed.admin('/readyz')
  assert.equal(ready.status, 503, '/readyz before any tunnel')
  narrator.proved(`It is healthy and says that it is not ready: "${ready.body.trim()}"`)
}

async function dialOut(stage: Stage, narrator: Narrator): Promise<void> {
  const beganMs = performance.now()
  const client = await stage.startShootClient()
  await Promise.all([client.waitUntilReady(), stage.seedServer.waitUntilReady()])
  const tookMs = performance.now() - beganMs
  const [line] = await stage.gateway.process.waitForLine(/CONNECT \S+:1194 HTTP.*/)
  narrator.proved(`The gateway saw: ${line.slice(line.indexOf('CONNECT'))}`)
  narrator.proved('Both daemons say that they are ready: mutual TLS 1.3 stands, and packets flow.')
  narrator.note('shoot-client, from start to ready', `${(tookMs / 1000).toFixed(1)} s`)
}

async function reachThroughEgress(stage: Stage, narrator: Narrator): Promise<void> {
  narrator.aside(
    'curl does what a kube-apiserver does: CONNECT to the egress proxy, with its client certificate.',
  )
  const { pod1, pod2, node2 } = stage.lab.hosts
  const { service } = stage.lab
  const places = [
    { what: 'pod', addresses: pod1.addresses, expected: /^pod1$/ },
    { what: 'pod on another network', addresses: pod2.addresses, expected: /^pod2$/ },
    { what: 'service', addresses: service, expected: /^pod[12]$/ },
    { what: 'node', addresses: node2.addresses, expected: /^node2$/ },
  ]
  for (const { what, addresses, expected } of places) {
    for (const host of [addresses.ipv4, `[${addresses.ipv6}]`]) {
      const answer = await get(stage, `http://${host}/`)
      assert.equal(answer.code, 0, `curl to ${host}: ${answer.stderr}`)
      assert.match(answer.stdout.trim(), expected)
      narrator.proved(`${what} ${host} answers: "${answer.stdout.trim()}"`)
    }
  }
}

async function ping(stage: Stage, narrator: Narrator): Promise<void> {
  const { caller, pod1, node2 } = stage.lab.hosts
  for (const { addresses, name } of [pod1, node2]) {
    for (const address of [addresses.ipv4, addresses.ipv6]) {
      const { stdout } = await caller.run('ping', ['-c', '4', '-i', '0.1', '-W', '2', address])
      assert.ok(isLossless(stdout), `ping ${address} lost packets:\n${stdout}`)
      narrator.proved(`ping ${name} ${address}: 4 of 4, ${roundTripMs(stdout)} ms on average`)
    }
  }
  const many = await caller.run('ping', ['-q', '-c', '50', '-i', '0.01', pod1.addresses.ipv4])
  narrator.note('ping to a pod, 50 times', `${roundTripMs(many.stdout)} ms on average`)
  const { stdout } = await caller.run('ping', ['-c', '2', '-i', '0.1', '-s', '3000', pod1.addresses.ipv4])
  assert.ok(isLossless(stdout), `fragmented ping lost packets:\n${stdout}`)
  narrator.proved('ping with 3000 bytes, in fragments: 2 of 2')
}

async function refuse(stage: Stage, narrator: Narrator): Promise<void> {
  const { gateway, pod1 } = stage.lab.hosts
  const outside = await get(stage, `http://${gateway.addresses.ipv4}/`)
  assert.match(outside.stderr, /403/, 'CONNECT outside the networks of the shoot')
  narrator.proved("The egress proxy refuses what is not one of the shoot's networks: 403")

  const stranger = await get(stage, `http://${pod1.addresses.ipv4}/`, stage.certificates.shootClient)
  assert.notEqual(stranger.code, 0, 'a stranger got through the egress proxy')
  narrator.proved('A caller with a certificate of another authority is cut off.')

  const back = await pod1.run('ping', ['-c', '2', '-i', '0.2', '-W', '1', '192.168.123.1'])
  assert.notEqual(back.code, 0, `a pod reached the seed's end of the tunnel:\n${back.stdout}`)
  narrator.proved("A pod can't open anything towards the seed through the tunnel.")
}

async function measure(stage: Stage, narrator: Narrator): Promise<void> {
  const { caller, pod1 } = stage.lab.hosts
  for (const { args, name } of [
    { args: [], name: 'TCP to a pod' },
    { args: ['-R'], name: 'TCP from a pod' },
  ]) {
    // Each has a server of its own: one that has just served takes a moment, and refuses until then.
    await using _server = await startIperf3(pod1, MEASURE_PORT)
    const run = [
      '-c',
      pod1.addresses.ipv4,
      '-p',
      String(MEASURE_PORT),
      '-t',
      String(MEASURE_SECONDS),
      '-J',
      ...args,
    ]
    const result = await caller.run('iperf3', run, { deadlineMs: 15_000 })
    assert.equal(result.code, 0, `iperf3: ${result.stdout}${result.stderr}`)
    const gigabits = (throughputOf(result.stdout) / 1e9).toFixed(2)
    narrator.proved(`${name}: ${gigabits} Gbit/s over ${MEASURE_SECONDS} s, one stream`)
    narrator.note(name, `${gigabits} Gbit/s, all of it through the gateway's user space as well`)
  }
}

async function breakAndGoOn(stage: Stage, narrator: Narrator): Promise<void> {
  const { pod1 } = stage.lab.hosts
  const slow = ['--limit-rate', '20M', '-o', '/dev/null', '-w', '%{size_download}']
  const download = get(stage, `http://${pod1.addresses.ipv4}/big`, undefined, slow)
  const client = stage.shootClient
  const fromLine = client.process.output.length
  await stage.gateway.stop('SIGKILL')
  await client.waitForLog(({ msg }) => msg === 'session closed', { fromLine })
  const beganMs = performance.now()
  narrator.aside(
    'The gateway is killed, and with it the connection that carries the tunnel; then it starts again.',
  )
  await stage.startGateway()
  await client.waitForLog(({ msg }) => msg === 'session opened', { fromLine })
  const tookMs = Math.round(performance.now() - beganMs)
  const { code, stdout, stderr } = await download
  assert.equal(code, 0, `the download: ${stderr}`)
  assert.equal(Number(stdout), BIG_FILE_BYTES, 'bytes of the download')
  narrator.proved('The download never noticed: all of its 64 MiB arrived over the same connection.')
  narrator.note(
    'tunnel up again after the gateway was killed',
    `${tookMs} ms, the gateway's own start included`,
  )
}

function get(
  { lab, certificates }: Stage,
  url: string,
  client?: { readonly certFile: string; readonly keyFile: string },
  args: readonly string[] = [],
): Promise<CommandResult> {
  return curlThroughEgress(lab, url, {
    certificates,
    args: ['-m', '15', ...args],
    ...(client === undefined ? {} : { client }),
  })
}
