import { chmod, chown, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, Daemon, type Host, mustRunCommand } from '@reversed-vpn/test/lab'
import type { ContainerTools } from './container-tools.js'
import type { Manifests } from './manifests.js'
import type { ContainerSpec, PodSpec, VolumeSpec } from './pod-spec.js'
import { podmanArguments, type VolumeSource } from './podman-arguments.js'

const MODE_OF_CONFIG = 0o644

/** The pod of a rendered Deployment on a host of the lab: what a kubelet does, done by podman. */
export class Pod {
  readonly name: string
  readonly host: Host
  readonly #tools: ContainerTools
  readonly #spec: PodSpec
  readonly #sources: ReadonlyMap<string, VolumeSource>

  /** Writes its volumes and sets its sysctls. */
  static async create(tools: ContainerTools, manifests: Manifests, name: string, host: Host): Promise<Pod> {
    const spec = manifests.podOf(name)
    const sources = new Map<string, VolumeSource>()
    for (const volume of spec.volumes) {
      const path = join(tools.lab.dir, 'volumes', name, volume.name)
      sources.set(volume.name, await makeVolume(manifests, volume, path, spec.securityContext.fsGroup ?? 0))
    }
    for (const sysctl of spec.securityContext.sysctls ?? []) {
      await host.mustRun('sysctl', ['-w', `${sysctl.name}=${sysctl.value}`])
    }
    return new Pod(tools, spec, sources, name, host)
  }

  private constructor(
    tools: ContainerTools,
    spec: PodSpec,
    sources: ReadonlyMap<string, VolumeSource>,
    name: string,
    host: Host,
  ) {
    this.#tools = tools
    this.#spec = spec
    this.#sources = sources
    this.name = name
    this.host = host
  }

  get image(): string {
    return this.#daemon.image
  }

  /** Runs its init container to the end. */
  setUp(): Promise<CommandResult> {
    return this.#tools.run(this.host, this.#runArguments(this.#setup))
  }

  /** Starts its daemon as the manifest says. Resolves when its admin server answers. */
  start(): Promise<Daemon> {
    return this.#start(this.#daemon)
  }

  /** Starts its daemon with the rights of its init container, which it then does without. */
  startAllInOne(): Promise<Daemon> {
    return this.#start(this.#allInOne)
  }

  /** Runs its daemon with one more argument, which ends it. */
  runToEnd(argument: string): Promise<CommandResult> {
    const { args = [] } = this.#daemon
    return this.#tools.run(this.host, this.#runArguments({ ...this.#daemon, args: [...args, argument] }))
  }

  /** What the daemon's process is to the machine. */
  async pid(): Promise<number> {
    const { stdout } = await this.podman('inspect', '--format', '{{.State.Pid}}')
    return Number(stdout)
  }

  /** Runs podman on the container of its daemon, whose name goes behind these words. */
  podman(...words: string[]): Promise<CommandResult> {
    return this.#tools.run(this.host, [...words, this.#containerName(this.#daemon)])
  }

  /** Runs a command in the container of its daemon. */
  exec(...command: string[]): Promise<CommandResult> {
    return this.#tools.run(this.host, ['exec', this.#containerName(this.#daemon), ...command])
  }

  #containerName({ name }: ContainerSpec): string {
    return `${this.name}.${name}`
  }

  get #daemon(): ContainerSpec {
    return theOne(this.#spec.containers)
  }

  get #setup(): ContainerSpec {
    return theOne(this.#spec.initContainers ?? [])
  }

  get #allInOne(): ContainerSpec {
    const { args = [] } = this.#daemon
    const { securityContext } = this.#setup
    return { ...this.#daemon, securityContext, args: [...args, '--network-setup=auto'] }
  }

  #start(container: ContainerSpec): Promise<Daemon> {
    const port = container.ports?.find(({ name }) => name === 'admin')?.containerPort
    if (port === undefined) throw new Error(`${container.name} has no admin port`)
    const { env, options } = this.#tools
    const command = this.#tools.podman(this.#runArguments(container))
    return Daemon.start(this.host, command, port, env, options.deadlineMs)
  }

  #runArguments(container: ContainerSpec): string[] {
    const sourceOf = (volume: string) => {
      const source = this.#sources.get(volume)
      if (source === undefined)
        throw new Error(`${container.name} mounts ${volume}, which ${this.name} has not`)
      return source
    }
    const etcDir = this.#tools.lab.etcDir(this.host.name)
    const { extraMemoryBytes, lent } = this.#tools.options
    return [
      ...['run', '--rm', '--name', this.#containerName(container)],
      ...['--cgroup-parent', `/${this.#tools.lab.id}`],
      ...['--network', `ns:/run/netns/${this.host.netns}`, '--no-hosts'],
      ...['hosts', 'resolv.conf'].flatMap((name) => ['--volume', `${etcDir}/${name}:/etc/${name}:ro`]),
      ...Object.entries(lent).flatMap(([path, name]) => ['--volume', `${path}:${name}:ro`]),
      ...['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'],
      ...podmanArguments(this.#spec, container, sourceOf, extraMemoryBytes),
    ]
  }
}

async function makeVolume(
  manifests: Manifests,
  volume: VolumeSpec,
  path: string,
  fsGroup: number,
): Promise<VolumeSource> {
  if (volume.hostPath !== undefined) {
    if (volume.hostPath.path !== '/dev/net/tun') throw new Error(`hostPath ${volume.hostPath.path}`)
    await mkdir(join(path, '..'), { recursive: true })
    // Open to everyone, as udev makes it on a node.
    await mustRunCommand('mknod', ['-m', '666', path, 'c', '10', '200'])
    return { path, isDevice: true }
  }
  await manifests.writeVolume(volume, path)
  for (const name of await readdir(path)) {
    const file = join(path, name)
    await chmod(file, volume.secret?.defaultMode ?? MODE_OF_CONFIG)
    await chown(file, 0, fsGroup)
  }
  return { path, isDevice: false }
}

function theOne<T>(all: readonly T[]): T {
  const [one, ...others] = all
  if (one === undefined || others.length > 0) throw new Error(`${all.length} containers, expected one`)
  return one
}
