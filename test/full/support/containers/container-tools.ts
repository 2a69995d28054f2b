import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, type Host, type Lab, mustRunCommand, runCommand } from '@reversed-vpn/test/lab'

/** For what mounts and starts things on its way: all of that is gone when it ends, also when it or this process is killed. */
const CONFINED = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'],
]
/** The machine's mounts, cgroups among them, instead of those of `ip netns exec`; what is mounted on top goes with the command. */
const OWN_MOUNTS = ['nsenter', `--mount=/proc/${process.pid}/ns/mnt`, 'unshare', '--mount']
const BUILD_DEADLINE_MS = 600_000

export interface ContainerOptions {
  /** How long a container may take to start, or to do what it is run for. @default 30000 */
  readonly deadlineMs?: number
  /** Added to the memory that a manifest allows a container. @default 0 */
  readonly extraMemoryBytes?: number
  /** Files and folders of the machine that containers find under a name of their own, read-only. @default none */
  readonly lent?: Readonly<Record<string, string>>
}

/** podman and buildah with storage, state and cgroups of a lab's own, which go with the lab. */
export class ContainerTools {
  readonly lab: Lab
  readonly env: NodeJS.ProcessEnv
  readonly options: Required<ContainerOptions>

  static async create(lab: Lab, options: ContainerOptions): Promise<ContainerTools> {
    const dir = join(lab.dir, 'containers')
    await mkdir(dir)
    const storageFile = join(dir, 'storage.conf')
    const enginesFile = join(dir, 'containers.conf')
    await writeFile(storageFile, storageConfiguration(dir, await chooseDriver(dir)))
    await writeFile(enginesFile, engineConfiguration(dir))
    const env = {
      ...lab.mark,
      CONTAINERS_STORAGE_CONF: storageFile,
      CONTAINERS_CONF: enginesFile,
      TMPDIR: dir,
      // Nobody here runs systemd; health checks are run by hand.
      DISABLE_HC_SYSTEMD: 'true',
    }
    return new ContainerTools(lab, env, { deadlineMs: 30_000, extraMemoryBytes: 0, lent: {}, ...options })
  }

  private constructor(lab: Lab, env: NodeJS.ProcessEnv, options: Required<ContainerOptions>) {
    this.lab = lab
    this.env = env
    this.options = options
  }

  /** Makes something of images, in the network of the machine. @throws LabError with its output when it fails */
  make(command: string, args: readonly string[]): Promise<CommandResult> {
    const [program = '', ...before] = CONFINED
    return mustRunCommand(program, [...before, command, ...args], {
      env: this.env,
      deadlineMs: BUILD_DEADLINE_MS,
    })
  }

  /** The command of podman on a host of the lab. */
  podman(args: readonly string[]): [string, ...string[]] {
    const [program = '', ...before] = OWN_MOUNTS
    return [program, ...before, 'podman', ...args]
  }

  /** Runs podman to its end. */
  run(host: Host, args: readonly string[]): Promise<CommandResult> {
    const [program, ...rest] = this.podman(args)
    return host.run(program, rest, { env: this.env, deadlineMs: this.options.deadlineMs })
  }
}

/** Layers are laid over each other where the kernel can do that, and copied where it can't: on top of an overlay. */
async function chooseDriver(dir: string): Promise<'overlay' | 'vfs'> {
  const parts = ['lower', 'upper', 'work', 'merged'].map((name) => join(dir, 'probe', name))
  await Promise.all(parts.map((part) => mkdir(part, { recursive: true })))
  const [lower, upper, work, merged = ''] = parts
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
  const mount = ['mount', '-t', 'overlay', '-o', options, 'overlay', merged]
  const { code } = await runCommand('unshare', ['--mount', ...mount])
  return code === 0 ? 'overlay' : 'vfs'
}

function storageConfiguration(dir: string, driver: string): string {
  return [
    '[storage]',
    `driver = "${driver}"`,
    `graphroot = "${dir}/graph"`,
    `runroot = "${dir}/run"`,
    '',
  ].join('\n')
}

function engineConfiguration(dir: string): string {
  return [
    '[engine]',
    `tmp_dir = "${dir}/state"`,
    `volume_path = "${dir}/volumes"`,
    'runtime = "runc"',
    'cgroup_manager = "cgroupfs"',
    'events_logger = "none"',
    'lock_type = "file"',
    '[engine.runtimes]',
    'runc = ["/usr/sbin/runc", "/usr/bin/runc"]',
    '[network]',
    `network_config_dir = "${dir}/networks"`,
    '',
  ].join('\n')
}
