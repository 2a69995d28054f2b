// Four hosts in network namespaces: caller ── seed ══ TUN ══ shoot ── pod. The two TUNs are joined by a pair of socat, which
// hand packets on unread, so that what is tested is addresses, routes and firewall alone.
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { SeedNetworkPlan, ShootNetworkPlan } from '@reversed-vpn/host-network'
import type { WorkerMethods } from './network-worker.js'

const exec = promisify(execFile)
const WORKER = fileURLToPath(new URL('./network-worker.js', import.meta.url))

export const TUN = 'vpn0'
export const PLAN = {
  tun: TUN,
  mtu: 1500,
  seedAddresses: ['192.168.123.1/24', 'fd8f:6d53:b97a:1::1/112'],
  shootAddresses: ['192.168.123.2/24', 'fd8f:6d53:b97a:1::2/112'],
  networks: {
    pod: ['10.0.0.0/16', 'fd01::/64'],
    service: ['10.96.0.0/16', 'fd02::/112'],
    node: ['172.16.0.0/24', 'fd03::/64'],
  },
} as const satisfies SeedNetworkPlan & ShootNetworkPlan

/** Addresses by what they are to the tunnel. */
export const ADDRESS = {
  seed: { 4: '192.168.123.1', 6: 'fd8f:6d53:b97a:1::1' },
  shoot: { 4: '192.168.123.2', 6: 'fd8f:6d53:b97a:1::2' },
  pod: { 4: '10.0.0.5', 6: 'fd01::5' },
  /** On the shoot-client's own machine. */
  node: { 4: '172.16.0.9', 6: 'fd03::9' },
  /** Likewise, inside the pod networks: no address to deliver to. */
  podGateway: { 4: '10.0.0.1', 6: 'fd01::1' },
  /** Behind the pod's host, in none of the shoot's networks. */
  stranger: { 4: '198.51.100.9', 6: '2001:db8:9::9' },
  /** What the shoot-client masquerades to. */
  egress: { 4: '172.31.0.1', 6: 'fd0f::1' },
  /** The pod's host seen from the shoot-client, in none of the shoot's networks. */
  router: { 4: '172.31.0.2', 6: 'fd0f::2' },
  caller: { 4: '192.0.2.2', 6: '2001:db8:1::2' },
} as const

/** In `resolv.conf` of every host; nobody is there. */
export const NAME_SERVER = '203.0.113.53'

const HOSTS = ['caller', 'seed', 'shoot', 'pod'] as const
type HostName = (typeof HOSTS)[number]

/** A namespace and a process in it. */
export class Host {
  readonly namespace: string
  #worker: ChildProcess | undefined
  #nextId = 0

  readonly #resolvConf: string

  constructor(namespace: string, resolvConf: string) {
    this.namespace = namespace
    this.#resolvConf = resolvConf
  }

  /** Runs a command in the namespace to its end; words of one string. */
  async run(command: string): Promise<{ stdout: string; code: number }> {
    return this.runWords(command.split(' '))
  }

  /** The same for words that hold spaces. */
  async runWords(words: readonly string[]): Promise<{ stdout: string; code: number }> {
    return exec('ip', ['netns', 'exec', this.namespace, ...words]).then(
      ({ stdout }) => ({ stdout, code: 0 }),
      (error) => ({ stdout: error.stdout + error.stderr, code: error.code }),
    )
  }

  /** Runs commands, one a line, all of which have to succeed. */
  async setUp(commands: string): Promise<void> {
    for (const command of commands.split('\n').map((line) => line.trim())) {
      if (command === '') continue
      const { code, stdout } = await this.run(command)
      if (code !== 0) throw new Error(`${command}: ${stdout}`)
    }
  }

  /** @param prepare a shell command that runs in the process's own mount namespace before it starts */
  async start(prepare = 'true'): Promise<void> {
    // The name servers of the machine that the tests run on are no part of the test.
    const hide = `{ [ ! -e /etc/resolv.conf ] || mount --bind ${this.#resolvConf} /etc/resolv.conf; }`
    const shell = ['sh', '-c', `${hide} && ${prepare} && exec "$0" "$@"`]
    this.#worker = fork(WORKER, {
      execPath: 'ip',
      execArgv: ['netns', 'exec', this.namespace, ...shell, process.execPath],
    })
    await once(this.#worker, 'message')
  }

  call<M extends keyof WorkerMethods>(
    method: M,
    ...[argument]: Parameters<WorkerMethods[M]>
  ): Promise<Awaited<ReturnType<WorkerMethods[M]>>> {
    const worker = this.#worker
    if (worker === undefined) throw new Error('not started')
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const onExit = () => reject(new Error(`the process in ${this.namespace} ended during ${method}`))
      const onMessage = (reply: {
        id: number
        result: Awaited<ReturnType<WorkerMethods[M]>>
        error?: object
      }) => {
        if (reply.id !== id) return
        worker.off('message', onMessage).off('exit', onExit)
        if (reply.error === undefined) resolve(reply.result)
        else reject(Object.assign(new Error(), reply.error))
      }
      worker.on('message', onMessage).once('exit', onExit)
      worker.send({ id, method, argument })
    })
  }

  /** As after `kill -9`: nothing is tidied up. */
  async kill(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    if (worker === undefined || worker.exitCode !== null) return
    const gone = once(worker, 'exit')
    worker.kill('SIGKILL')
    await gone
  }

  /** Everything that routes, rules and firewall of this namespace consist of, without counts. */
  async snapshot(): Promise<string> {
    const listings = [
      'nft --stateless list ruleset',
      'ip -4 rule',
      'ip -6 rule',
      'ip -4 route show table all',
      'ip -6 route show table all',
    ]
    const outputs = await Promise.all(listings.map((listing) => this.run(listing)))
    // A TUN that nobody has open has no carrier, which the kernel tells of a moment later.
    const lines = outputs.flatMap(({ stdout }) => stdout.replaceAll(/ linkdown| +$/gm, '').split('\n'))
    // Link-local addresses come when the kernel is ready, multicast routes with a carrier, anycast ones with forwarding,
    // which stays on.
    return lines.filter((line) => !/^(any|multi)cast|fe80:/.test(line)).join('\n')
  }
}

export class NetworkLab implements AsyncDisposable {
  readonly caller: Host
  readonly seed: Host
  readonly shoot: Host
  readonly pod: Host
  readonly #directory: string
  readonly #pumps: ChildProcess[] = []

  private constructor(id: string, directory: string) {
    const host = (name: HostName) => new Host(`rvpn-${id}-${name}`, join(directory, 'resolv.conf'))
    this.caller = host('caller')
    this.seed = host('seed')
    this.shoot = host('shoot')
    this.pod = host('pod')
    this.#directory = directory
  }

  static async create(): Promise<NetworkLab> {
    const directory = await mkdtemp(join(tmpdir(), 'network-lab-'))
    await writeFile(join(directory, 'resolv.conf'), `nameserver ${NAME_SERVER}\n`)
    const lab = new NetworkLab(randomBytes(3).toString('hex'), directory)
    try {
      for (const host of lab.hosts) {
        await exec('ip', ['netns', 'add', host.namespace])
        await host.setUp('ip link set lo up')
      }
      await lab.#connectCaller()
      await lab.#connectPod()
      await lab.joinTuns()
      await Promise.all(lab.hosts.map((host) => host.start()))
      return lab
    } catch (error) {
      await lab[Symbol.asyncDispose]()
      throw error
    }
  }

  get hosts(): Host[] {
    return [this.caller, this.seed, this.shoot, this.pod]
  }

  /** Makes both TUNs, down and without addresses. */
  async joinTuns(): Promise<void> {
    const path = join(this.#directory, `${this.#pumps.length}.sock`)
    const pump = (host: Host, end: string, more = '') => {
      const tun = `TUN,tun-name=${TUN},tun-type=tun,iff-no-pi`
      const args = [
        'netns',
        'exec',
        host.namespace,
        'socat',
        '-b',
        '70000',
        tun,
        `${end}:${path},type=5${more}`,
      ]
      this.#pumps.push(spawn('ip', args, { stdio: 'ignore' }))
    }
    pump(this.shoot, 'UNIX-LISTEN')
    await until(() => existsSync(path))
    // Its file is there a moment before it takes connections.
    pump(this.seed, 'UNIX-CONNECT', ',retry=600,interval=0.05')
    await until(async () => (await this.seed.run(`ip link show ${TUN}`)).code === 0)
  }

  /** Ends both TUNs, as a daemon does that dies. */
  async removeTuns(): Promise<void> {
    const running = this.#pumps.filter((pump) => pump.exitCode === null && pump.signalCode === null)
    const gone = running.map((pump) => once(pump, 'exit'))
    for (const pump of running) pump.kill('SIGKILL')
    await Promise.all(gone)
    for (const host of [this.seed, this.shoot]) {
      await until(async () => (await host.run(`ip link show ${TUN}`)).code !== 0)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of this.hosts) await host.kill()
    await this.removeTuns()
    for (const host of this.hosts) await exec('ip', ['netns', 'delete', host.namespace]).catch(() => {})
    await rm(this.#directory, { recursive: true, force: true })
  }

  async #connectCaller(): Promise<void> {
    const peer = `peer name eth0 netns ${this.caller.namespace}`
    await this.seed.setUp(`ip link add eth0 type veth ${peer}
      ip address add 192.0.2.1/24 dev eth0
      ip address add 2001:db8:1::1/64 dev eth0 nodad
      ip link set eth0 up`)
    await this.caller.setUp(`ip address add 192.0.2.2/24 dev eth0
      ip address add 2001:db8:1::2/64 dev eth0 nodad
      ip link set eth0 up
      ip route add default via 192.0.2.1
      ip route add default via 2001:db8:1::1`)
    // A default route is what traffic would leak to.
    await this.seed.setUp(`ip route add default via 192.0.2.2
      ip route add default via 2001:db8:1::2`)
  }

  async #connectPod(): Promise<void> {
    const peer = `peer name eth0 netns ${this.pod.namespace}`
    await this.shoot.setUp(`ip link add eth0 type veth ${peer}
      ip address add 172.31.0.1/30 dev eth0
      ip address add fd0f::1/126 dev eth0 nodad
      ip address add 172.16.0.9/32 dev lo
      ip address add fd03::9/128 dev lo
      ip address add 10.0.0.1/32 dev lo
      ip address add fd01::1/128 dev lo
      ip link set eth0 up
      ip route add default via 172.31.0.2
      ip route add default via fd0f::2`)
    await this.pod.setUp(`ip address add 172.31.0.2/30 dev eth0
      ip address add fd0f::2/126 dev eth0 nodad
      ip address add 10.0.0.5/32 dev lo
      ip address add fd01::5/128 dev lo
      ip address add 198.51.100.9/32 dev lo
      ip address add 2001:db8:9::9/128 dev lo
      ip link set eth0 up
      ip route add default via 172.31.0.1
      ip route add default via fd0f::1
      sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`)
  }
}

const UNTIL_MS = 30_000

/** Waits for what no event tells. Fails in time for namespaces to be removed before the test's own timeout. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + UNTIL_MS
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`still not so after ${UNTIL_MS} ms: ${condition}`)
    await delay(10)
  }
}

/** Addresses and routes of a side without any firewall: what a peer that ignores the rules would send gets out. */
export async function openSide(host: Host, side: 'seed' | 'shoot'): Promise<void> {
  const [address4, address6] = side === 'seed' ? PLAN.seedAddresses : PLAN.shootAddresses
  await host.setUp(`ip address add ${address4} dev ${TUN}
    ip address add ${address6} dev ${TUN} nodad
    ip link set ${TUN} up
    sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1`)
}

/** Why tests with namespaces can't run here; `false` when they can. */
export const skip = process.getuid?.() === 0 ? false : 'needs root for network namespaces'
