import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type CommandResult,
  Lab,
  type MeasureServer,
  mustRunCommand,
  Pki,
  type ShootCertificates,
  startNginx,
} from '@reversed-vpn/test/lab'
import { startBulkServer } from '../egress/start-bulk-server.js'
import { startIperf } from '../measure/iperf.js'
import { commandLineOf } from '../measure/proc.js'
import { log } from '../measure/progress.js'
import { startTcpSockperf } from '../measure/sockperf.js'
import type { OpenPath, Peer } from './peer.js'

/** The root of this checkout. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * One peer in a lab of its own, with the measuring servers in the pod. All stages of a run exist from its first measurement to
 * its last, so that no start disturbs a measurement. A stage that is not measured sends only its keepalives, and the run
 * records the processor time they take.
 */
export class Stage implements AsyncDisposable {
  readonly peer: Peer
  readonly lab: Lab
  readonly certificates: ShootCertificates
  readonly path: OpenPath
  readonly iperf: MeasureServer
  readonly sockperf: MeasureServer
  /** The command lines of the peer's programs. */
  readonly commands: readonly string[]
  /** Of the seed's interface into the shoot. */
  readonly mtu: number

  static async open(peer: Peer): Promise<Stage> {
    const lab = await Lab.create()
    try {
      const pki = await Pki.create(lab.dir)
      const certificates = await pki.shoot()
      const path = await peer.open(lab, certificates)
      const [iperf, sockperf, link] = await Promise.all([
        startIperf(lab.hosts.pod1),
        startTcpSockperf(lab.hosts.pod1),
        mustRunCommand('ip', ['-n', lab.hosts.seed.netns, '-json', 'link', 'show', 'dev', path.seedDevice]),
        startNginx(lab, lab.hosts.pod1),
        startBulkServer(lab.hosts.pod1),
      ])
      return new Stage(peer, lab, certificates, path, { iperf, sockperf, mtu: mtuIn(link) })
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  private constructor(
    peer: Peer,
    lab: Lab,
    certificates: ShootCertificates,
    path: OpenPath,
    { iperf, sockperf, mtu }: { iperf: MeasureServer; sockperf: MeasureServer; mtu: number },
  ) {
    this.peer = peer
    this.lab = lab
    this.certificates = certificates
    this.path = path
    this.iperf = iperf
    this.sockperf = sockperf
    this.mtu = mtu
    this.commands = path.processes.map(({ pid }) => {
      const [program = '', ...args] = commandLineOf(pid).split(' ')
      return withoutDirectories([peer.isExternal ? 'PROGRAM' : program, ...args], lab.dir)
    })
  }

  /** The host behind the seed that sends the requests. */
  get caller() {
    return this.lab.hosts.caller
  }

  /** The address of the pod behind the node, or of the relay to it. */
  get podAddress(): string {
    return this.path.podAddress ?? this.lab.hosts.pod1.addresses.ipv4
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close()
  }
}

/** Leaves out the directories of this checkout and of this lab. */
function withoutDirectories(words: readonly string[], labDir: string): string {
  return words
    .map((word) => (word.startsWith(labDir) ? basename(word) : word.replace(REPOSITORY, '')))
    .join(' ')
}

function mtuIn({ stdout }: CommandResult): number {
  const [link]: readonly { readonly mtu: number }[] = JSON.parse(stdout)
  return link?.mtu ?? Number.NaN
}

interface Stages extends AsyncDisposable {
  readonly list: readonly Stage[]
}

/** Opens a stage for every peer, one after the other. If one fails, it closes those before it. */
export async function openStages(peers: readonly Peer[]): Promise<Stages> {
  const list: Stage[] = []
  const close = async () => {
    await Promise.all(list.map((stage) => stage[Symbol.asyncDispose]()))
  }
  try {
    for (const peer of peers) {
      log(`starting ${peer.title}`)
      list.push(await Stage.open(peer))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { list, [Symbol.asyncDispose]: close }
}
