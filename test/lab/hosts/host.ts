import { readFileSync } from 'node:fs'
import { labIdOf, markOf } from './lab-id.js'
import { LabProcess, type SpawnOptions, type WaitOptions } from './lab-process.js'
import { type CommandResult, mustRunCommand, type RunOptions, runCommand } from './run-command.js'
import type { AddressPair, HostName } from './topology.js'

/** A host of the lab: a network namespace with an `/etc/hosts` of its own. */
export class Host {
  readonly name: HostName
  readonly netns: string
  readonly addresses: AddressPair
  readonly #started: (process: LabProcess) => void

  /** @param onStart is told of every program that `spawn` starts, whose end is then the caller's to see to */
  constructor(name: HostName, netns: string, addresses: AddressPair, onStart: (process: LabProcess) => void) {
    this.name = name
    this.netns = netns
    this.addresses = addresses
    this.#started = onStart
  }

  /** Runs a command here to its end; any exit code is a result. @throws LabError when it takes longer than its deadline */
  run(command: string, args: readonly string[] = [], options?: RunOptions): Promise<CommandResult> {
    return runCommand('ip', this.#inside(command, args), this.#marked(options))
  }

  /** Runs a command here that has to succeed. @throws LabError with its output when it does not */
  mustRun(command: string, args: readonly string[] = [], options?: RunOptions): Promise<CommandResult> {
    return mustRunCommand('ip', this.#inside(command, args), this.#marked(options))
  }

  /** Starts a program here. It ends with the lab, or before by its own `stop`. */
  async spawn(command: string, args: readonly string[] = [], options?: SpawnOptions): Promise<LabProcess> {
    const started = await LabProcess.start('ip', this.#inside(command, args), this.#marked(options))
    this.#started(started)
    return started
  }

  /** Applies a ruleset to this host, all of it or nothing. */
  async nft(ruleset: string): Promise<void> {
    await this.mustRun('nft', ['-f', '-'], { input: ruleset })
  }

  /** Runs lines of `ip`, each without the word itself, until one fails. */
  async ip(lines: readonly string[]): Promise<void> {
    await mustRunCommand('ip', ['-n', this.netns, '-batch', '-'], { input: `${lines.join('\n')}\n` })
  }

  /** Waits until a program of this host takes connections (or, for UDP, datagrams) on a port, on any address. */
  async waitForPort(
    server: LabProcess,
    port: number,
    options: WaitOptions & {
      readonly protocol?: 'tcp' | 'udp'
      readonly families?: readonly (4 | 6)[] | 'any'
    } = {},
  ): Promise<void> {
    const protocol = options.protocol ?? 'tcp'
    const { families = [4] } = options
    const isBound = (family: 4 | 6) => hasBoundPort(server.pid, `${protocol}${family === 6 ? '6' : ''}`, port)
    const isReady = () => (families === 'any' ? isBound(4) || isBound(6) : families.every(isBound))
    await server.waitFor(`${protocol} port ${port}`, () => (isReady() ? true : undefined), {
      ...options,
      everyMs: 10,
    })
  }

  /** Waits until a program of this host takes connections on a Unix socket, whose file is there a moment before. */
  async waitForUnixSocket(server: LabProcess, path: string): Promise<void> {
    await server.waitFor(path, () => (isListening(server.pid, path) ? true : undefined), { everyMs: 10 })
  }

  // `ip netns exec` becomes the command, so its process id is the command's.
  #inside(command: string, args: readonly string[]): string[] {
    return ['netns', 'exec', this.netns, command, ...args]
  }

  /** Until `ip` has entered the namespace nothing else tells that it belongs to the lab. */
  #marked(options: RunOptions = {}): RunOptions {
    const labId = labIdOf(this.netns)
    return { ...options, env: { ...(labId === undefined ? {} : markOf(labId)), ...options.env } }
  }
}

/** `/proc/PID/net/unix` tells of each socket whether it takes connections by `__SO_ACCEPTCON` among its flags. */
function isListening(pid: number, path: string): boolean {
  const rows = readFileSync(`/proc/${pid}/net/unix`, 'utf8').split('\n')
  return rows.some((row) => row.endsWith(` ${path}`) && row.split(' ')[3] === '00010000')
}

/** `/proc/PID/net/FILE` lists the sockets of the namespace that PID lives in (proc_pid_net(5)). */
function hasBoundPort(pid: number, file: string, port: number): boolean {
  const [listening, unconnected] = ['0A', '07']
  try {
    const rows = readFileSync(`/proc/${pid}/net/${file}`, 'latin1').trim().split('\n').slice(1)
    return rows.some((row) => {
      const [, local, , state] = row.trim().split(/\s+/)
      return (
        state === (file.startsWith('tcp') ? listening : unconnected) &&
        local?.split(':')[1] === port.toString(16).toUpperCase().padStart(4, '0')
      )
    })
  } catch {
    return false
  }
}
