import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabProcess } from '@reversed-vpn/test/lab'
import type { Credentials } from './credentials.js'
import type { Machine } from './machine.js'
import {
  cniConfig,
  containerdConfig,
  kubeletConfig,
  kubeProxyConfig,
  type NodeSetting,
} from './node-config.js'
import { PolicyEngine } from './policy-engine.js'

const CGROUP_DIR = '/sys/fs/cgroup'
const START_DEADLINE_MS = 60_000

interface NodeOptions {
  readonly binaries: string
  /** Docker archives. */
  readonly images: readonly string[]
  readonly credentials: Credentials
  /** Where kube-apiserver is, as a URL. */
  readonly server: string
  readonly address: string
  readonly podNetwork: string
  /** Pods of all nodes. */
  readonly clusterPods: string
  readonly dnsAddress: string
}

/** containerd on a machine, with images, and what it takes to make it a node of a cluster. */
export class Node {
  readonly machine: Machine
  readonly name: string
  readonly address: string
  readonly #options: NodeOptions
  readonly #cgroup: string
  #kubelet: LabProcess | undefined

  /** Starts containerd and imports the images; `join` starts the rest. */
  static async create(machine: Machine, worldId: string, options: NodeOptions): Promise<Node> {
    const node = new Node(machine, `/${worldId}/${machine.name}`, options)
    await Promise.all([mkdir(join(machine.dir, 'cni')), node.#makeCgroups()])
    await writeFile(join(machine.dir, 'cni', 'pods.conflist'), cniConfig(options.podNetwork))
    const config = await machine.write('containerd.toml', containerdConfig(machine.dir))
    const containerd = await machine.start('containerd', ['--config', config])
    await containerd.waitForLine(/containerd successfully booted/, { deadlineMs: START_DEADLINE_MS })
    for (const archive of options.images) {
      await node.ctr(['images', 'import', archive], 120_000)
    }
    return node
  }

  private constructor(machine: Machine, cgroup: string, options: NodeOptions) {
    this.machine = machine
    this.name = machine.name
    this.address = options.address
    this.#cgroup = cgroup
    this.#options = options
  }

  /** Starts kubelet and kube-proxy. */
  async join(): Promise<void> {
    const { credentials, server, clusterPods, binaries } = this.#options
    const [proxy, kubelet] = await Promise.all([
      credentials.kubeconfig('kube-proxy', server),
      credentials.kubeconfig(`node:${this.name}`, server),
    ])
    const proxyConfig = await this.machine.write(
      'kube-proxy.yaml',
      kubeProxyConfig(proxy, this.name, clusterPods),
    )
    await this.machine.start(join(binaries, 'kube-proxy'), [`--config=${proxyConfig}`])
    const pair = await credentials.kubeletPair(this.address)
    const setting: NodeSetting = {
      name: this.name,
      dir: this.machine.dir,
      cgroup: this.#cgroup,
      address: this.address,
      podNetwork: this.#options.podNetwork,
      dnsAddress: this.#options.dnsAddress,
      authorityFile: credentials.authorityFile,
      servingCert: pair.certFile,
      servingKey: pair.keyFile,
    }
    const kubeletFile = await this.machine.write('kubelet.yaml', kubeletConfig(setting))
    this.#kubelet = await this.machine.start(join(binaries, 'kubelet'), [
      `--config=${kubeletFile}`,
      `--kubeconfig=${kubelet}`,
      '--root-dir=/var/lib/kubelet',
      `--hostname-override=${this.name}`,
      `--node-ip=${this.address}`,
      '--v=2',
    ])
  }

  /** From now on NetworkPolicies are in force for its pods. */
  enforcePolicies(): Promise<PolicyEngine> {
    const { binaries, credentials, server, clusterPods } = this.#options
    return PolicyEngine.start(this.machine, { binaries, credentials, server, pods: clusterPods })
  }

  /** The last lines of its kubelet, for messages. */
  tail(): string {
    return this.#kubelet?.tail(60) ?? 'no kubelet yet'
  }

  ctr(args: readonly string[], deadlineMs?: number) {
    const all = ['--address', '/run/containerd/containerd.sock', '--namespace', 'k8s.io', ...args]
    return this.machine.mustRun('ctr', all, { deadlineMs })
  }

  /** In every hierarchy, or a kubelet says that its root does not exist. */
  async #makeCgroups(): Promise<void> {
    const entries = await readdir(CGROUP_DIR, { withFileTypes: true })
    for (const entry of entries.filter((one) => one.isDirectory())) {
      await mkdir(join(CGROUP_DIR, entry.name, this.#cgroup), { recursive: true })
    }
  }
}
