import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, type LabProcess, mustRunCommand } from '@reversed-vpn/test/lab'
import type { World } from './world.js'

/** Process 1 of a machine: it takes the end of every orphan, and says first that its mounts are made. */
const INIT = 'mount --make-rprivate / && . "$0" && echo ready && while :; do sleep 1000 & wait; done'

export interface RunOptions {
  readonly input?: string | undefined
  readonly deadlineMs?: number | undefined
}

/**
 * A host with a network, mounts and process ids of its own, so that nothing that containerd or a kubelet makes shows on the real
 * machine: when process 1 ends, the kernel ends all others and takes their mounts, and with these the networks of pods.
 */
export class Machine {
  readonly name: string
  readonly netns: string
  /** Files of this machine, under the same path inside and outside of it. */
  readonly dir: string
  readonly #world: World
  readonly #init: number

  /** @param nameServer asked by whatever runs here; @param names what is in its hosts file, address by name */
  static async create(world: World, name: string, nameServer: string): Promise<Machine> {
    const dir = join(world.dir, name)
    const netns = world.netnsOf(name)
    await mkdir(dir, { recursive: true })
    await writeFile(join(dir, 'resolv.conf'), `nameserver ${nameServer}\n`)
    await writeFile(join(dir, 'hosts'), '127.0.0.1 localhost\n')
    await writeFile(join(dir, 'mounts.sh'), mounts(dir))
    // Open to everyone, as udev makes it on a node.
    await mustRunCommand('mknod', ['-m', '666', join(dir, 'tun'), 'c', '10', '200'])
    const holder = await world.start('nsenter', [
      `--net=/run/netns/${netns}`,
      ...['unshare', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'],
      ...['sh', '-ec', INIT, join(dir, 'mounts.sh')],
    ])
    await holder.waitForLine(/^ready$/, { deadlineMs: 60_000 })
    return new Machine(world, { name, netns, dir, init: childOf(holder.pid) })
  }

  private constructor(world: World, its: { name: string; netns: string; dir: string; init: number }) {
    this.#world = world
    this.name = its.name
    this.netns = its.netns
    this.dir = its.dir
    this.#init = its.init
  }

  /** Runs a command here that has to succeed. @throws LabError with its output when it does not */
  mustRun(command: string, args: readonly string[], options: RunOptions = {}): Promise<CommandResult> {
    return mustRunCommand(...this.command(command, args), options)
  }

  /** Starts a program here; it ends with the world, or before by its own `stop`. */
  start(command: string, args: readonly string[]): Promise<LabProcess> {
    return this.#world.start(...this.command(command, args))
  }

  /** Writes a file of this machine. @returns its path */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.dir, name)
    await writeFile(path, text)
    return path
  }

  /** The command line that runs a command here. */
  command(command: string, args: readonly string[]): [string, string[]] {
    return ['nsenter', [`--target=${this.#init}`, '--net', '--mount', '--pid', '--', command, ...args]]
  }
}

/** What programs keep is in memory: it costs no disk any time, neither to fill nor to empty. */
function mounts(dir: string): string {
  return [
    'for place in /run /var/lib /var/log; do mount -t tmpfs -o mode=755 none $place; done',
    `mount --bind ${dir}/resolv.conf /etc/resolv.conf`,
    `mount --bind ${dir}/hosts /etc/hosts`,
    `mount --bind ${dir}/tun /dev/net/tun`,
    '',
  ].join('\n')
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ')[0])
}
