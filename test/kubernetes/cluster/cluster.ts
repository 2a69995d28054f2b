import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type CommandResult, type LabProcess, mustRunCommand, runCommand } from '@reversed-vpn/test/lab'
import type { Machine, RunOptions } from './machine.js'
import type { Node } from './node.js'
import type { World } from './world.js'

/** A cluster as somebody sees it who has kubectl and all rights. */
export class Cluster {
  readonly nodes: Node[] = []
  readonly kubeconfig: string
  readonly #world: World
  readonly #from: Machine
  readonly #kubectl: string

  /** @param from where kubectl runs */
  constructor(world: World, from: Machine, binaries: string, kubeconfig: string) {
    this.#world = world
    this.#from = from
    this.kubeconfig = kubeconfig
    this.#kubectl = join(binaries, 'kubectl')
  }

  /** Runs kubectl to its end; any exit code is a result. */
  kubectl(args: readonly string[], options?: RunOptions): Promise<CommandResult> {
    return runCommand(...this.command(args), options)
  }

  /** Runs kubectl, which has to succeed. @throws LabError with its output when it does not */
  mustKubectl(args: readonly string[], options?: RunOptions): Promise<CommandResult> {
    return mustRunCommand(...this.command(args), options)
  }

  /** Starts kubectl. */
  startKubectl(args: readonly string[]): Promise<LabProcess> {
    return this.#world.start(...this.command(args))
  }

  /** Starts a program where kubectl runs. */
  start(command: string, args: readonly string[]): Promise<LabProcess> {
    return this.#world.start(...this.#from.command(command, args))
  }

  /** Runs a program where kubectl runs. @throws LabError with its output when it does not succeed */
  run(command: string, args: readonly string[], options?: RunOptions): Promise<CommandResult> {
    return mustRunCommand(...this.#from.command(command, args), options)
  }

  /** The command line that runs kubectl where it belongs, for callers that need its standard streams. */
  command(args: readonly string[]): [string, string[]] {
    return this.#from.command(this.#kubectl, [`--kubeconfig=${this.kubeconfig}`, ...args])
  }

  apply(objects: readonly object[]): Promise<CommandResult> {
    const list = { apiVersion: 'v1', kind: 'List', items: objects }
    return this.mustKubectl(['apply', '-f', '-'], { input: JSON.stringify(list) })
  }

  /** Waits until a Deployment has all of its pods ready. @throws LabError with what is in its namespace */
  async rolledOut(namespace: string, deployment: string, seconds = 180): Promise<void> {
    const { code, stderr } = await this.kubectl(
      ['rollout', 'status', `deployment/${deployment}`, '-n', namespace, `--timeout=${seconds}s`],
      { deadlineMs: (seconds + 10) * 1000 },
    )
    if (code !== 0)
      throw new Error(`${namespace}/${deployment}: ${stderr}\n${await this.describe(namespace)}`)
  }

  /** Pods and events of a namespace, for messages. */
  async describe(namespace: string): Promise<string> {
    const parts = await Promise.all([
      this.kubectl(['get', 'pods', '-n', namespace, '-o', 'wide']),
      this.kubectl(['get', 'events', '-n', namespace, '--sort-by=.lastTimestamp']),
    ])
    return parts.map(({ stdout, stderr }) => stdout + stderr).join('\n')
  }

  /** Waits until a kubectl command succeeds. @returns what it printed @throws Error with its last message */
  async eventually(
    args: readonly string[],
    deadlineMs = 120_000,
    accept = (_: string) => true,
  ): Promise<string> {
    const endMs = performance.now() + deadlineMs
    for (;;) {
      const { code, stdout, stderr } = await this.kubectl(args, { deadlineMs: deadlineMs + 30_000 })
      if (code === 0 && accept(stdout)) return stdout
      if (performance.now() > endMs) {
        throw new Error(`kubectl ${args.join(' ')}: not within ${deadlineMs} ms\n${stdout}${stderr}`)
      }
      await wait(200)
    }
  }
}
