import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildTopology, type Hosts } from './build-topology.js'
import { destroyLab, findLabs, NETNS_ETC_DIR } from './cleanup.js'
import { openDirectRoute } from './direct-route.js'
import { Host } from './host.js'
import { isOwnerAlive, markOf, newLabId } from './lab-id.js'
import type { LabProcess } from './lab-process.js'
import { stopWatching, watchOver } from './open-labs.js'
import { ADDRESSES, HOST_NAMES, type HostName, hostsFile, NETWORKS, SERVICE } from './topology.js'

/** How long programs have to end by themselves when a lab is closed. */
const STOP_GRACE_MS = 2_000

/**
 * A seed, a shoot and the internet between them, each host a network namespace. Any number of labs can be open at a
 * time. What a lab made goes with it: on `close`, at the end of the process however that comes, or, after a SIGKILL,
 * when the next lab is made.
 */
export class Lab implements AsyncDisposable {
  readonly id: string
  readonly hosts: Hosts
  readonly networks = NETWORKS
  readonly service = SERVICE
  /** A directory for files of this lab, removed with it. */
  readonly dir: string
  readonly #processes: LabProcess[] = []
  #closing: Promise<void> | undefined

  /** Needs root, `ip` and `nft`. @throws LabError when a step fails; what was made until then is removed again */
  static async create(): Promise<Lab> {
    Lab.sweep()
    const lab = new Lab(newLabId())
    watchOver(lab.id)
    try {
      await lab.#build()
      return lab
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  /** Removes what labs left behind whose process has ended, and returns their ids. Labs in use are not touched. */
  static sweep(): string[] {
    const abandoned = [...findLabs()].filter((id) => !isOwnerAlive(id))
    for (const id of abandoned) destroyLab(id)
    return abandoned
  }

  private constructor(id: string) {
    this.id = id
    this.dir = join(tmpdir(), id)
    const hosts = HOST_NAMES.map((name) => {
      return [
        name,
        new Host(name, `${id}-${name}`, ADDRESSES[name], (started) => this.#processes.push(started)),
      ]
    })
    this.hosts = Object.fromEntries(hosts) as Record<HostName, Host>
  }

  /** Lets the caller reach the shoot without a tunnel, until the returned thing is disposed. */
  async routeDirectly(): Promise<AsyncDisposable> {
    const undo = await openDirectRoute(this.hosts)
    return { [Symbol.asyncDispose]: undo }
  }

  /** Ends every program (SIGTERM, then SIGKILL) and removes everything. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#tearDown()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #build(): Promise<void> {
    await mkdir(this.dir, { recursive: true })
    // `ip netns exec` binds these over the machine's own files. No name server: a name that is not in the hosts file
    // fails at once instead of asking servers that cannot be reached from here.
    for (const name of HOST_NAMES) {
      const etcDir = this.etcDir(name)
      await mkdir(etcDir, { recursive: true })
      await writeFile(join(etcDir, 'hosts'), hostsFile())
      await writeFile(join(etcDir, 'resolv.conf'), 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n')
    }
    await buildTopology(this.hosts)
  }

  /** For the environment of what is started outside of the hosts and has to go with the lab. */
  get mark(): Record<string, string> {
    return markOf(this.id)
  }

  /** Where `hosts` and `resolv.conf` of a host lie; programs see it when the files are written in place. */
  etcDir(name: HostName): string {
    return join(NETNS_ETC_DIR, this.hosts[name].netns)
  }

  async #tearDown(): Promise<void> {
    await Promise.all(this.#processes.map((running) => running.stop('SIGTERM', STOP_GRACE_MS)))
    destroyLab(this.id)
    stopWatching(this.id)
  }
}
