import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { LabProcess } from '@reversed-vpn/test/lab'
import type { Credentials } from './credentials.js'
import type { Machine } from './machine.js'

const QUEUE = '98'
const START_DEADLINE_MS = 120_000
/** Where client-go looks for the rights of a pod. */
const RIGHTS_DIR = '/run/secrets/kubernetes.io/serviceaccount'

interface PolicyEngineOptions {
  /** The folder of ensureBinaries. */
  readonly binaries: string
  readonly credentials: Credentials
  /** Where kube-apiserver is, as a URL. */
  readonly server: string
  /** Pods of all nodes. */
  readonly pods: string
}

/**
 * kube-network-policies on a node: it decides whether a new connection of a pod is let through. What it is asked by nftables needs
 * CONFIG_NFT_QUEUE in the kernel, which some are built without; the same by iptables is in all of them, and is what we make.
 */
export class PolicyEngine {
  readonly #machine: Machine
  readonly #process: LabProcess

  /** Resolves when it decides. @throws Error with its last lines when it does not begin to */
  static async start(machine: Machine, options: PolicyEngineOptions): Promise<PolicyEngine> {
    const process = await machine.start('env', await command(machine, options))
    const engine = new PolicyEngine(machine, process)
    await engine.#isAsked()
    for (const rule of rules(options.pods)) await engine.#iptables(`-A POSTROUTING ${rule}`)
    return engine
  }

  private constructor(machine: Machine, process: LabProcess) {
    this.#machine = machine
    this.#process = process
  }

  /** Ends it, and whatever policies say, all is let through. */
  async leaveOut(): Promise<void> {
    await this.#process.stop('SIGKILL')
    await this.#iptables('-F POSTROUTING')
    // Its own rules, where the kernel took them. Nothing to destroy is no error of `add` and `delete`.
    const table = 'table inet kube-network-policies'
    await this.#machine.mustRun('nft', [`add ${table}; delete ${table}`])
  }

  async #iptables(words: string): Promise<void> {
    await this.#machine.mustRun('iptables', ['-w', '-t', 'mangle', ...words.split(' ')])
  }

  /** It knows all pods and policies before it opens its queue. */
  async #isAsked(): Promise<void> {
    const endMs = performance.now() + START_DEADLINE_MS
    const isOpen = new RegExp(`^ *${QUEUE} `, 'm')
    while (true) {
      // Not there before the module is loaded, where it is one.
      const read = 'cat /proc/net/netfilter/nfnetlink_queue 2>/dev/null || true'
      const queues = await this.#machine.mustRun('sh', ['-c', read])
      if (isOpen.test(queues.stdout)) return
      if (!this.#process.isRunning || performance.now() > endMs) {
        throw new Error(`no queue ${QUEUE} of kube-network-policies\n${this.#process.tail(20)}`)
      }
      await wait(100)
    }
  }
}

async function command(
  machine: Machine,
  { binaries, credentials, server }: PolicyEngineOptions,
): Promise<string[]> {
  const rights = {
    token: credentials.tokenOf('admin'),
    'ca.crt': await readFile(credentials.authorityFile, 'utf8'),
  }
  await machine.mustRun('mkdir', ['-p', RIGHTS_DIR])
  for (const [name, input] of Object.entries(rights)) {
    await machine.mustRun('tee', [join(RIGHTS_DIR, name)], { input })
  }
  const { hostname, port } = new URL(server)
  return [
    `KUBERNETES_SERVICE_HOST=${hostname}`,
    `KUBERNETES_SERVICE_PORT=${port || '443'}`,
    join(binaries, 'kube-network-policies'),
    `--nfqueue-id=${QUEUE}`,
    `--hostname-override=${machine.name}`,
    '--metrics-bind-address=127.0.0.1:9080',
  ]
}

/** A connection is judged at its beginning, with the addresses of its pods: after Services are resolved, before anything is masqueraded. */
function rules(pods: string): string[] {
  return [
    // The node itself, such as probes of its kubelet.
    '-m owner --uid-owner 0 -j RETURN',
    '-m conntrack ! --ctstate NEW -j RETURN',
    ...['-s', '-d'].map((end) => `${end} ${pods} -j NFQUEUE --queue-num ${QUEUE}`),
  ]
}
