import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CommandResult, curlThroughEgress, Lab } from '@reversed-vpn/test/lab'
import { type ContainerOptions, ContainerTools } from './container-tools.js'
import { type Architecture, buildImage, HERE, importBase, sizeAdded } from './images.js'
import { API_SERVER_HOST, Manifests, SEED_SERVER_HOST } from './manifests.js'
import { Pod } from './pod.js'

interface ContainerLabOptions extends ContainerOptions {
  /** What the images are for. @default the processor of this machine */
  readonly architecture?: Architecture
}

/** A lab with a pod for each daemon, from what `reversed-vpn render` printed, none of which is started. */
export class ContainerLab {
  readonly lab: Lab
  readonly tools: ContainerTools
  readonly architecture: Architecture
  readonly pods: { readonly 'seed-server': Pod; readonly 'shoot-client': Pod; readonly 'sni-gateway': Pod }
  readonly #manifests: Manifests

  static async create({ architecture = HERE, ...options }: ContainerLabOptions = {}) {
    const lab = await Lab.create()
    try {
      const [tools, manifests] = await Promise.all([
        ContainerTools.create(lab, options),
        Manifests.render(lab),
        nameHosts(lab),
      ])
      const { gateway, node, seed } = lab.hosts
      const [seedServer, shootClient, sniGateway] = await Promise.all([
        Pod.create(tools, manifests, 'vpn-seed-server', seed),
        Pod.create(tools, manifests, 'vpn-shoot', node),
        Pod.create(tools, manifests, 'sni-gateway', gateway),
      ])
      const pods = { 'seed-server': seedServer, 'shoot-client': shootClient, 'sni-gateway': sniGateway }
      return new ContainerLab(tools, architecture, pods, manifests)
    } catch (error) {
      await lab.close()
      throw error
    }
  }

  private constructor(
    tools: ContainerTools,
    architecture: Architecture,
    pods: ContainerLab['pods'],
    manifests: Manifests,
  ) {
    this.lab = tools.lab
    this.tools = tools
    this.architecture = architecture
    this.pods = pods
    this.#manifests = manifests
  }

  /** Builds the image of each pod, by the name that its manifest has for it. @returns bytes that each adds to its base */
  async buildImages(): Promise<Map<string, number>> {
    await importBase(this.tools, HERE)
    if (this.architecture !== HERE) await importBase(this.tools, this.architecture)
    const added = new Map<string, number>()
    for (const [daemon, { image }] of Object.entries(this.pods)) {
      await buildImage(this.tools, daemon, image, this.architecture)
      added.set(daemon, await sizeAdded(this.tools, image, this.architecture))
    }
    return added
  }

  /** curl on the caller, through the egress proxy. */
  curlProxied(url: string, args: readonly string[] = []): Promise<CommandResult> {
    const secret = (folder: string, name: string) => join(this.#manifests.secretsDir, folder, name)
    const certificates = {
      egressCa: { certFile: secret('kube-apiserver-egress-tls', 'ca.crt') },
      apiserver: {
        certFile: secret('kube-apiserver-egress-tls', 'tls.crt'),
        keyFile: secret('kube-apiserver-egress-tls', 'tls.key'),
      },
    }
    return curlThroughEgress(this.lab, url, {
      certificates,
      proxyHost: 'vpn-seed-server',
      args: ['-m', '60', ...args],
    })
  }

  /** curl on the caller, over the routes of the seed. */
  curlRouted(url: string, args: readonly string[]): Promise<CommandResult> {
    return this.lab.hosts.caller.run('curl', ['-sS', '-g', ...args, url])
  }
}

/** The names that manifests have, which a cluster's DNS would answer. */
async function nameHosts(lab: Lab): Promise<void> {
  const { gateway, node, seed } = lab.hosts
  const names = [
    [gateway.addresses, API_SERVER_HOST],
    [seed.addresses, SEED_SERVER_HOST],
  ] as const
  const lines = names.flatMap(([{ ipv4, ipv6 }, name]) => [`${ipv4} ${name}`, `${ipv6} ${name}`])
  for (const host of [gateway, node]) {
    const file = join(lab.etcDir(host.name), 'hosts')
    await writeFile(file, `${await readFile(file, 'utf8')}${lines.join('\n')}\n`)
  }
}
