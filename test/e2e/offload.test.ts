import { join } from 'node:path'
import { type Daemon, startIperf3, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Download, LASTING_BYTES } from './support/download.js'
import { publishNoise, sha256Of } from './support/files.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const MIB = 1024 * 1024
const SEGMENT_BYTES = 1500
/** Of some 20,000: enough to see whether they are as they were sent. */
const MIN_ARRIVED = 1000
const LANES = 4

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, node, pod1, seed: seedHost } = lab.hosts
await startNginx(lab, pod1)
const noise = await publishNoise(lab, pod1, 'noise', 8 * MIB)
const lasting = await publishNoise(lab, pod1, 'lasting', LASTING_BYTES)

for (const ofSeed of ['auto', 'off'] as const) {
  for (const ofShoot of ['auto', 'off'] as const) {
    t.test(`carries with offloads ${ofSeed} at the seed and ${ofShoot} in the shoot`, async (t) => {
      const { seed, client } = await stage.startBoth(['--offload', ofSeed], { args: ['--offload', ofShoot] })
      for (const address of Object.values(pod1.addresses)) {
        const copy = join(lab.dir, 'copy')
        t.match(await stage.curlRouted(`http://${inUrl(address)}/noise`, ['-o', copy]), { code: 0 })
        t.equal(await sha256Of(copy), noise.sha256, `from ${address}, byte for byte`)
        const ping = await caller.run('ping', ['-c', '2', '-i', '0.05', '-W', '20', '-s', '3000', address])
        t.match(ping.stdout, ' 2 received')
      }
      const bytesPerPacket = await meanPacketBytes(seed, 'toSeed')
      if (ofSeed === 'auto' && ofShoot === 'auto') {
        t.ok(bytesPerPacket > 4 * SEGMENT_BYTES, `GSO packets: ${bytesPerPacket} bytes on average`)
      } else t.ok(bytesPerPacket <= SEGMENT_BYTES, `single segments: ${bytesPerPacket} bytes on average`)
      t.equal(await count(client, 'shoot_client_tunnel_device_refusals_total'), 0)
      t.equal(await count(seed, 'seed_server_tunnel_device_refusals_total'), 0)
      await Promise.all([seed.stop(), client.stop()])
    })
  }
}

t.test('a burst of datagrams arrives as it was sent, though the kernel got them joined', async (t) => {
  const { seed, client } = await stage.startBoth([], {})
  const iperf = await startIperf3(pod1)
  for (const [family, address] of Object.entries(pod1.addresses)) {
    const load = [
      '--udp',
      '--bytes',
      '4M',
      '--length',
      '200',
      '--bitrate',
      '40M',
      '--udp-counters-64bit',
      '--json',
    ]
    const sent = await caller.mustRun('iperf3', ['--client', address, ...load])
    const { packets, lost_packets: lost, bytes } = JSON.parse(sent.stdout).end.sum
    t.equal(bytes, packets * 200)
    // How many are lost where the burst is faster than the machine is another matter.
    t.ok(packets - lost > MIN_ARRIVED, `${packets - lost} of ${packets} arrived over ${family}`)
  }
  const { stdout } = await pod1.mustRun('nstat', ['--json', '--zeros', '--noupdate'])
  t.match(JSON.parse(stdout).kernel, { UdpInCsumErrors: 0, Udp6InCsumErrors: 0 })
  t.equal(await count(client, 'shoot_client_tunnel_device_refusals_total'), 0)
  await iperf.process.stop()
  await Promise.all([seed.stop(), client.stop()])
})

t.test('several lanes carry, and go on when one of them is lost', async (t) => {
  const { seed, client } = await stage.startBoth([], { args: ['--lanes', String(LANES)] })
  await untilLanes(seed, client, LANES)
  const { ipv4, ipv6 } = pod1.addresses
  const downloads = await Promise.all(
    [ipv4, ipv6, ipv4, ipv6].map((address) =>
      Download.start(stage, {
        way: 'routed',
        url: `http://${inUrl(address)}/lasting`,
        original: lasting,
      }),
    ),
  )

  const fromLine = client.process.output.length
  const { stdout } = await node.mustRun('ss', ['-Htn', 'state', 'established', 'dport', '=', '1194'])
  const ports = [...stdout.matchAll(/:(\d+) +\S+:1194/g)].map(([, port]) => port)
  t.equal(ports.length, LANES, stdout)
  await node.mustRun('ss', ['-t', '-K', 'sport', '=', String(ports.at(-1))])
  const lost = await client.waitForLog(({ msg }) => msg === 'lane lost', { fromLine })
  t.ok(
    downloads.every(({ isUnderWay }) => isUnderWay),
    'lost in the middle',
  )
  await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === lost.lane, { fromLine })

  for (const download of downloads) t.equal(await download.outcome(), 'intact')
  await untilLanes(seed, client, LANES)
  t.equal(await count(client, 'shoot_client_tunnel_sessions_opened_total'), 1, 'the same session')
  t.equal(await count(seed, 'seed_server_tunnel_lanes_down_total{orderly="false"}'), 1)
  const { sessions } = (await seed.status()) as { sessions: { lanes: { toPeer: { packets: number } }[] }[] }
  const used = sessions.flatMap(({ lanes }) => lanes.filter(({ toPeer }) => toPeer.packets > 0))
  t.ok(used.length > 1, `${used.length} lanes carried`)
  await Promise.all([seed.stop(), client.stop()])
  t.notMatch((await seedHost.mustRun('ip', ['-br', 'link'])).stdout, /vpn0/)
})

/** Every lane is logged when it is up; then both sides have to agree on how many there are. */
async function untilLanes(seed: Daemon, client: Daemon, wanted: number): Promise<void> {
  const up = new Set<unknown>()
  await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && up.add(lane).size === wanted)
  await client.waitForMetric('shoot_client_tunnel_lanes', wanted)
  await seed.waitForMetric('seed_server_tunnel_lanes', wanted)
}

async function meanPacketBytes(seed: Daemon, direction: string): Promise<number> {
  const total = (what: string) => count(seed, `seed_server_tunnel_${what}_total{direction="${direction}"}`)
  return Math.round((await total('bytes')) / (await total('packets')))
}

async function count(daemon: Daemon, name: string): Promise<number> {
  return (await daemon.metrics()).get(name) ?? Number.NaN
}
