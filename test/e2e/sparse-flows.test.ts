// A lane kept for flows that send little: shown by what each lane has carried.
import { startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { Download } from './support/download.js'
import { publishNoise } from './support/files.js'
import { type LaneStatus, lanesOf } from './support/lanes.js'
import { inUrl, TunnelLab } from './support/tunnel-lab.js'

const MIB = 1024 * 1024
const FILE_BYTES = 512 * MIB
const PINGS = 50
/** Of these, apart from the bulk: it takes a while to be known as such, longer on a machine that others keep busy. */
const MOST_PINGS = PINGS / 2
/** Bulk and the ping begin where the kernel's hash puts them. */
const FIRST_PACKETS_BYTES = 4 * MIB

const stage = await TunnelLab.create({ routesCaller: true })
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { caller, pod1 } = lab.hosts
await startNginx(lab, pod1)
const noise = await publishNoise(lab, pod1, 'noise', FILE_BYTES)

t.test('beside bulk, a ping has a lane to itself, in both directions', async (t) => {
  const { seed, client } = await stage.startBoth([], {})
  await client.waitForLog(({ msg, lane }) => msg === 'lane opened' && lane === 1)
  for (const address of Object.values(pod1.addresses)) {
    const before = await Promise.all([seed, client].map(async (daemon) => byIndex(await lanesOf(daemon))))
    const download = await Download.start(stage, {
      way: 'routed',
      url: `http://${inUrl(address)}/noise`,
      original: noise,
      bytesPerSecond: 32 * MIB,
    })
    await download.until(FIRST_PACKETS_BYTES)
    const ping = await caller.mustRun('ping', ['-c', String(PINGS), '-i', '0.02', '-W', '20', address])
    t.ok(download.isUnderWay, 'the bulk was there all the time')
    t.match(ping.stdout, ` ${PINGS} received`)
    t.equal(await download.outcome(), 'intact')
    const { bytes } = download

    const after = await Promise.all([seed, client].map(async (daemon) => byIndex(await lanesOf(daemon))))
    const [seedLanes, clientLanes] = after.map((lanes, side) =>
      lanes.map(({ toPeer }, index) => ({
        packets: toPeer.packets - (before[side]?.[index]?.toPeer.packets ?? 0),
        bytes: toPeer.bytes - (before[side]?.[index]?.toPeer.bytes ?? 0),
      })),
    )
    const [sparse, bulk] = (clientLanes ?? []).toSorted((one, other) => one.bytes - other.bytes)
    t.ok((bulk?.bytes ?? 0) > bytes - FIRST_PACKETS_BYTES, `${bulk?.bytes} bytes of bulk on one`)
    t.ok((sparse?.bytes ?? bytes) < FIRST_PACKETS_BYTES, `${sparse?.bytes} bytes on the other`)
    t.ok((sparse?.packets ?? 0) >= MOST_PINGS, `answers among ${sparse?.packets} packets there`)
    const quieter = Math.min(...(seedLanes ?? []).map(({ packets }) => packets))
    t.ok(
      quieter >= MOST_PINGS,
      `requests and acknowledgements apart: at least ${quieter} packets on each lane`,
    )
  }
  await Promise.all([seed.stop(), client.stop()])
})

function byIndex(lanes: readonly LaneStatus[]): readonly LaneStatus[] {
  return lanes.toSorted((one, other) => one.index - other.index)
}
