import { join } from 'node:path'
import type { CommandResult, Host, Lab } from '@reversed-vpn/test/lab'
import { ImageTools, prepareStorage } from './image-tools.js'

/** The machine's mounts, cgroups among them, instead of those of `ip netns exec`; what is mounted on top goes with the command. */
const OWN_MOUNTS = ['nsenter', `--mount=/proc/${process.pid}/ns/mnt`, 'unshare', '--mount']

export interface ContainerOptions {
  /** How long a container may take to start, or to do what it is run for. @default 30000 */
  readonly deadlineMs?: number
  /** Added to the memory that a manifest allows a container. @default 0 */
  readonly extraMemoryBytes?: number
  /** Files and folders of the machine that containers find under a name of their own, read-only. @default none */
  readonly lent?: Readonly<Record<string, string>>
}

/** podman and buildah with storage, state and cgroups of a lab's own, which go with the lab. */
export class ContainerTools extends ImageTools {
  readonly lab: Lab
  readonly options: Required<ContainerOptions>

  static async create(lab: Lab, options: ContainerOptions): Promise<ContainerTools> {
    const storage = await prepareStorage(join(lab.dir, 'containers'))
    // Nobody here runs systemd; health checks are run by hand.
    const env = { ...lab.mark, ...storage, DISABLE_HC_SYSTEMD: 'true' }
    return new ContainerTools(lab, env, { deadlineMs: 60_000, extraMemoryBytes: 0, lent: {}, ...options })
  }

  private constructor(lab: Lab, env: NodeJS.ProcessEnv, options: Required<ContainerOptions>) {
    super(env)
    this.lab = lab
    this.options = options
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
