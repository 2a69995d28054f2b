import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Lab, LabProcess, mustRunCommand } from '@reversed-vpn/test/lab'
import { destroyLab } from '../../lab/hosts/cleanup.js'
import { markOf, newLabId } from '../../lab/hosts/lab-id.js'
import { stopWatching, watchOver } from '../../lab/hosts/open-labs.js'

const STOP_GRACE_MS = 5_000

/** What everything of two clusters belongs to, and goes with: namespaces, processes, cgroups, files. Named as a lab is. */
export class World implements AsyncDisposable {
  readonly id = newLabId()
  readonly dir = join(tmpdir(), this.id)
  readonly #processes: LabProcess[] = []
  #closing: Promise<void> | undefined

  static async create(): Promise<World> {
    Lab.sweep()
    const world = new World()
    watchOver(world.id)
    await mkdir(world.dir)
    return world
  }

  netnsOf(name: string): string {
    return `${this.id}-${name}`
  }

  /** Starts a program on the machine itself; it ends with the world. */
  async start(command: string, args: readonly string[]): Promise<LabProcess> {
    const started = await LabProcess.start(command, args, { env: markOf(this.id), cwd: this.dir })
    this.#processes.push(started)
    return started
  }

  /** Runs lines of `ip`, each without the word itself, in a namespace of the world or on the machine. */
  async ip(lines: readonly string[], name?: string): Promise<void> {
    const place = name === undefined ? [] : ['-n', this.netnsOf(name)]
    await mustRunCommand('ip', [...place, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  }

  close(): Promise<void> {
    this.#closing ??= this.#tearDown()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #tearDown(): Promise<void> {
    await Promise.all(this.#processes.map((running) => running.stop('SIGKILL', STOP_GRACE_MS)))
    destroyLab(this.id)
    stopWatching(this.id)
  }
}
