import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

const MARK = 'REVERSED_VPN_TEST_RUN'
const LAB = 'rvlab-'
const SETTLE_MS = 6_000

/**
 * Watches what a test run leaves on the machine: namespaces, TUN links and firewall tables that were not there before, what
 * labs had of directories, mounts, cgroups and emulated processors, and processes that carry the run's mark in their environment.
 */
export class LeftoverCheck {
  #run = `${process.pid}-${Date.now()}`
  #before = machineState()

  /** To be in the environment of everything the run starts. */
  get env() {
    return { [MARK]: this.#run }
  }

  /** One line for each thing left behind. Processes get a moment to end. */
  async find() {
    const endMs = performance.now() + SETTLE_MS
    while (this.#look().length > 0 && performance.now() < endMs) await pause(100)
    return this.#look()
  }

  #look() {
    const things = machineState().filter((thing) => !this.#before.includes(thing))
    return [...things.filter((thing) => !isOfRunningLab(thing)), ...markedProcesses(`${MARK}=${this.#run}`)]
  }
}

function machineState() {
  return [
    ...entriesOf('/run/netns').map((name) => `network namespace ${name}`),
    ...entriesOf('/etc/netns').map((name) => `directory /etc/netns/${name}`),
    ...labsIn(tmpdir()).map((name) => `directory ${tmpdir()}/${name}`),
    ...mountPoints().map((place) => `mount ${place}`),
    // Where it is mounted at all; a lab that has an entry has a mount of its own.
    ...labsIn('/proc/sys/fs/binfmt_misc').map((name) => `emulation ${name}`),
    ...['', ...entriesOf('/sys/fs/cgroup')].flatMap((hierarchy) =>
      labsIn(`/sys/fs/cgroup/${hierarchy}`).map((name) => `cgroup ${hierarchy}/${name}`),
    ),
    ...linesOf('ip', ['-br', 'link', 'show', 'type', 'tun']).map((line) => `TUN link ${line.split(/\s/)[0]}`),
    ...linesOf('nft', ['list', 'tables']).map((line) => `nftables ${line}`),
  ]
}

function labsIn(dir) {
  return entriesOf(dir).filter((name) => name.startsWith(LAB))
}

function mountPoints() {
  const places = read('/proc/self/mountinfo')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
  return places.filter((place) => place.includes(LAB) && !place.startsWith('/run/netns/'))
}

/** Another run may have its lab open beside ours: `rvlab-PID-…` is named for its owner (`test/lab/hosts/lab-id.ts`). */
function isOfRunningLab(thing) {
  const pid = /\brvlab-(\d+)-/.exec(thing)?.[1]
  return pid !== undefined && entriesOf(`/proc/${pid}`).length > 0
}

function markedProcesses(mark) {
  return entriesOf('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(mark))
    .map((pid) => `process ${pid}: ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim()}`)
}

function linesOf(command, args) {
  const { stdout } = spawnSync(command, args, { encoding: 'utf8' })
  return (stdout ?? '').split('\n').filter((line) => line !== '')
}

function entriesOf(dir) {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}

function read(file) {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
