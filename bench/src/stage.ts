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
import { startIperf } from './measure/iperf.js'
import { commandLineOf } from './measure/proc.js'
import { startTcpSockperf } from './measure/sockperf.js'
import type { OpenPath, Peer } from './peers/peer.js'
import { log } from './progress.js'

/** Of this program. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

/**
 * One peer in a lab of its own, with the servers that measure in the pod. Every stage of a run is up from its first
 * measurement to its last, so that no start falls into a measurement; a stage whose turn it is not does nothing but send
 * its keepalives, and the run records what processor time those took.
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
  /** Of the interface that leads from the seed into the shoot. */
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
      return withoutPlaces([peer.isExternal ? 'PROGRAM' : program, ...args], lab.dir)
    })
  }

  /** Where the traffic comes from: a host behind the seed. */
  get caller() {
    return this.lab.hosts.caller
  }

  /** Where it goes to: a pod behind the node, or what stands for it. */
  get podAddress(): string {
    return this.path.podAddress ?? this.lab.hosts.pod1.addresses.ipv4
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.close()
  }
}

/** Where this checkout and the files of this lab lie says nothing to a reader. */
function withoutPlaces(words: readonly string[], labDir: string): string {
  return words
    .map((word) => (word.startsWith(labDir) ? basename(word) : word.replace(REPOSITORY, '')))
    .join(' ')
}

function mtuIn({ stdout }: CommandResult): number {
  const [link]: readonly { readonly mtu: number }[] = JSON.parse(stdout)
  return link?.mtu ?? Number.NaN
}

export interface Stages extends AsyncDisposable {
  readonly list: readonly Stage[]
}

/** Opens a stage for every peer, one after the other. When one fails, those before it are closed again. */
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
