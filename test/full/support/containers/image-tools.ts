import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, mustRunCommand, runCommand } from '@reversed-vpn/test/lab'

/** For what mounts and starts things on its way: all of that is gone when it ends, also when it or this process is killed. */
const CONFINED = [
  ...['setpriv', '--pdeathsig', 'KILL'],
  ...['unshare', '--mount', '--pid', '--fork', '--mount-proc', '--kill-child'],
]
const BUILD_DEADLINE_MS = 600_000

/** podman and buildah with storage and state in a folder, for making images. */
export class ImageTools {
  readonly env: NodeJS.ProcessEnv

  /** @param env of prepareStorage */
  constructor(env: NodeJS.ProcessEnv) {
    this.env = env
  }

  /** Makes something of images, in the network of the machine. @throws LabError with its output when it fails */
  make(command: string, args: readonly string[]): Promise<CommandResult> {
    const [program = '', ...before] = CONFINED
    return mustRunCommand(program, [...before, command, ...args], {
      env: this.env,
      deadlineMs: BUILD_DEADLINE_MS,
    })
  }
}

/** Configures storage and state in a folder, which is made. @returns the environment that leads podman and buildah there */
export async function prepareStorage(dir: string): Promise<NodeJS.ProcessEnv> {
  await mkdir(dir)
  const storageFile = join(dir, 'storage.conf')
  const enginesFile = join(dir, 'containers.conf')
  await writeFile(storageFile, storageConfiguration(dir, await chooseDriver(dir)))
  await writeFile(enginesFile, engineConfiguration(dir))
  return { CONTAINERS_STORAGE_CONF: storageFile, CONTAINERS_CONF: enginesFile, TMPDIR: dir }
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
