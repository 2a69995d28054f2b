// The shoot side of a storm: tunnels without a TUN, dialled by CONNECT and redialled as by a shoot-client. Prints a line
// `all up {…}` each time that all are up, and `down N` when some are missing.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { CONTROL_VERSION } from '@reversed-vpn/protocol'
import { loadTlsMaterial } from '@reversed-vpn/secure'
import { dialLane, type FrameStream, sendHello } from '@reversed-vpn/session'
import { Backoff } from '@reversed-vpn/session/testing'
import { connectTransport } from '@reversed-vpn/shoot-client/testing'
import { destinationOf, SEED_SERVER_NAME } from '@reversed-vpn/test/lab'
import { percentile } from '../measure/statistics.js'
import { type AllUp, readSetting, shootAt } from './storm-setting.js'

/** The shoot-client's defaults. */
const BACKOFF = { minMs: 100, maxMs: 10_000 }
const DEAD_AFTER_MS = 15_000
const ATTEMPT_TIMEOUT_MS = 15_000
const DOWN_REPORT_MS = 250

const { tls: files, ports, gateway, tunnels } = readSetting()
const tls = loadTlsMaterial(files)
const downtimesMs: number[] = []
let up = 0
let attempts = 0

for (let index = 0; index < tunnels; index++) void keep(ports[index % ports.length] ?? 0)
reportLosses()

async function keep(port: number): Promise<never> {
  const backoff = new Backoff(BACKOFF)
  for (;;) {
    const lostAtMs = performance.now()
    const frames = await dialUntilUp(port, backoff)
    downtimesMs.push(performance.now() - lostAtMs)
    backoff.reset()
    if (++up === tunnels) reportAllUp()
    if (!frames.isClosed) await once(frames.stream, 'close')
    up--
    await wait(backoff.nextMs())
  }
}

async function dialUntilUp(port: number, backoff: Backoff): Promise<FrameStream> {
  const transport = connectTransport({
    gateway: new URL(gateway),
    target: `vpn-seed-server:${port}`,
    headers: [{ name: 'Reversed-VPN', value: destinationOf(shootAt(port)) }],
  })
  for (;;) {
    attempts++
    try {
      const { frames } = await dialLane(
        { transport, tls, peerName: SEED_SERVER_NAME, sni: SEED_SERVER_NAME, deadAfterMs: DEAD_AFTER_MS },
        AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
      )
      await sendHello(frames, {
        type: 'HELLO',
        version: CONTROL_VERSION,
        instance: randomBytes(16).toString('hex'),
        accepts: [],
        mtu: 1500,
      })
      return frames
    } catch {
      await wait(backoff.nextMs())
    }
  }
}

function reportAllUp(): void {
  const figures: AllUp = {
    attempts,
    p50Ms: percentile(downtimesMs, 50),
    p99Ms: percentile(downtimesMs, 99),
    maxMs: Math.max(...downtimesMs),
  }
  console.log(`all up ${JSON.stringify(figures)}`)
  downtimesMs.length = 0
  attempts = 0
}

function reportLosses(): void {
  let reported = up
  setInterval(() => {
    if (up < reported) console.log(`down ${tunnels - up}`)
    reported = up
  }, DOWN_REPORT_MS)
}
