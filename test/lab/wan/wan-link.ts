import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import { LabError } from '../hosts/lab-error.js'
import type { LabProcess } from '../hosts/lab-process.js'
import { DEFAULT_ROUTES, type LinkEnd, WAN_LINK } from '../hosts/topology.js'
import { type ResolvedWan, resolveWan, type WanDirection, type WanSettings } from './wan-settings.js'

/** What has become of the packets of one direction so far. */
interface WanCounts {
  /** What came to the link, bytes with IP headers. */
  readonly packets: number
  readonly bytes: number
  readonly delivered: number
  readonly deliveredBytes: number
  /** Taken by the dice. */
  readonly lost: number
  /** There was no room in the queue. */
  readonly dropped: number
  readonly inFlight: number
  /** How long those that were neither lost nor dropped waited for the line. */
  readonly queueDelayMs: { readonly mean: number; readonly max: number }
  /** How much later than they should packets came out: the error of the emulation. */
  readonly latenessMs: { readonly mean: number; readonly max: number }
  /** Packets that never came to the link because it was not quick enough, or that the other end did not take. More than 0 spoils a measurement. */
  readonly missed: number
}

export interface WanStatistics {
  readonly toShoot: WanCounts
  readonly toSeed: WanCounts
}

/** As wan-link.c prints them. */
interface RawCounts {
  readonly packets: number
  readonly bytes: number
  readonly lost: number
  readonly dropped: number
  readonly refused: number
  readonly delivered: number
  readonly deliveredBytes: number
  readonly inFlight: number
  readonly queueDelaySumNs: number
  readonly queueDelayMaxNs: number
  readonly lateSumNs: number
  readonly lateMaxNs: number
}

const PROGRAM = fileURLToPath(new URL('../../../build/wan-link', import.meta.url))
/** Of a TUN, for the bursts that the senders' kernels hand over at once. The queue that counts is the link's. */
const TX_QUEUE_PACKETS = 20_000
const NS_PER_MS = 1e6

/** The cable between a shoot's node and the internet, made long. */
export class WanLink {
  readonly settings: ResolvedWan
  readonly process: LabProcess
  readonly #lab: Lab

  /** @param lab its cable is replaced already */
  constructor(lab: Lab, settings: ResolvedWan, process: LabProcess) {
    this.#lab = lab
    this.settings = settings
    this.process = process
  }

  async statistics(): Promise<WanStatistics> {
    const fromLine = this.process.output.length
    const printed = this.process.waitForLine(/^\{.*\}$/, { fromLine })
    this.process.kill('SIGUSR1')
    const [line] = await printed
    const raw: { readonly fromFirst: RawCounts; readonly fromSecond: RawCounts } = JSON.parse(line)
    const [shootEnd, seedEnd] = WAN_LINK.ends
    const [missedToSeed, missedToShoot] = await Promise.all(
      [shootEnd, seedEnd].map((end) => missedAt(this.#lab.hosts[end.host], end.device)),
    )
    return {
      toSeed: countsOf(raw.fromFirst, missedToSeed ?? 0),
      toShoot: countsOf(raw.fromSecond, missedToShoot ?? 0),
    }
  }
}

/**
 * Replaces the cable between the node and the internet by an emulated link, until the lab ends. Addresses, names of devices and the
 * node's default route are the same afterwards; connections and routes that others made across it are not. So it comes first.
 *
 * @throws LabError ERR_LAB_SETTING, and as a program of the lab
 */
export async function startWanLink(lab: Lab, settings: WanSettings): Promise<WanLink> {
  const resolved = resolveWan(settings)
  if (!existsSync(PROGRAM)) {
    throw new LabError('ERR_LAB_COMMAND', `${PROGRAM} is not there: npm run build:native makes it`)
  }
  const [shootEnd, seedEnd] = WAN_LINK.ends
  const places = [shootEnd, seedEnd].flatMap(({ host, device }) => [lab.hosts[host].netns, device])
  await lab.hosts[seedEnd.host].ip([`link del ${seedEnd.device}`])
  const program = await lab.hosts[seedEnd.host].spawn(PROGRAM, [
    ...places,
    ...argumentsOf(resolved.toSeed, resolved.seed),
    // Each direction has dice of its own.
    ...argumentsOf(resolved.toShoot, resolved.seed + 1),
  ])
  await program.waitForLine(/^up$/)
  await Promise.all([shootEnd, seedEnd].map((end) => setUp(lab.hosts[end.host], end)))
  return new WanLink(lab, resolved, program)
}

async function setUp(host: Host, { ipv4, ipv6, device }: LinkEnd): Promise<void> {
  const route = host.name === 'node' ? DEFAULT_ROUTES.node : undefined
  await host.ip([
    `link set ${device} txqueuelen ${TX_QUEUE_PACKETS} addrgenmode none multicast off`,
    `addr add ${ipv4}/24 dev ${device}`,
    `addr add ${ipv6}/64 dev ${device} nodad`,
    `link set ${device} up`,
    ...(route === undefined
      ? []
      : [`route add default via ${route.ipv4}`, `route add default via ${route.ipv6}`]),
  ])
}

function argumentsOf(direction: Required<WanDirection>, seed: number): string[] {
  const { delayMs, lossPercent, rateBitsPerSecond, queueBytes } = direction
  return [delayMs * NS_PER_MS, lossPercent, rateBitsPerSecond, queueBytes, seed].map(String)
}

function countsOf(raw: RawCounts, missed: number): WanCounts {
  const { packets, bytes, delivered, deliveredBytes, lost, dropped, inFlight } = raw
  return {
    ...{ packets, bytes, delivered, deliveredBytes, lost, dropped, inFlight },
    queueDelayMs: spread(raw.queueDelaySumNs, raw.queueDelayMaxNs, packets - lost - dropped),
    latenessMs: spread(raw.lateSumNs, raw.lateMaxNs, delivered + raw.refused),
    missed: missed + raw.refused,
  }
}

function spread(
  sumNs: number,
  maxNs: number,
  count: number,
): { readonly mean: number; readonly max: number } {
  return { mean: count === 0 ? 0 : sumNs / count / NS_PER_MS, max: maxNs / NS_PER_MS }
}

/** What the kernel wanted to hand over and could not. */
async function missedAt(host: Host, device: string): Promise<number> {
  const { stdout } = await host.mustRun('ip', ['-s', '-json', 'link', 'show', 'dev', device])
  const [link]: readonly { readonly stats64: { readonly tx: { readonly dropped: number } } }[] =
    JSON.parse(stdout)
  return link?.stats64.tx.dropped ?? Number.NaN
}
