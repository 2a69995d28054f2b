import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mustRunCommand } from '@reversed-vpn/test/lab'
import { SEED_NAMESPACE, SHOOT_DOMAIN } from './names.js'
import { SHOOT } from './topology.js'

const PROGRAM = fileURLToPath(new URL('../../../../packages/kubernetes/bin/reversed-vpn.js', import.meta.url))
const GARDENLET = {
  apiVersion: 'gardenlet.config.gardener.cloud/v1alpha1',
  kind: 'GardenletConfiguration',
  featureGates: { ReversedVPN: true },
}

/** What `reversed-vpn` writes for the shoot, as folders to apply. */
export class Rendered {
  readonly dir: string

  static async create(dir: string): Promise<Rendered> {
    await mkdir(dir)
    const at = (name: string) => join(dir, name)
    // JSON is YAML. The second shoot of the seed is a route alone.
    await writeFile(at('gardenlet.yaml'), JSON.stringify(GARDENLET))
    await writeFile(at('shoot.yaml'), JSON.stringify(shootNamed('lab', SHOOT_DOMAIN)))
    await writeFile(at('other.yaml'), JSON.stringify(shootNamed('other', 'other.core.example')))
    const render = ['render', '--gateway', '--gardenlet', at('gardenlet.yaml'), '--shoot', at('shoot.yaml')]
    const shoots = ['--shoot', at('shoot.yaml'), '--shoot', at('other.yaml')]
    await Promise.all([
      mustRunCommand(PROGRAM, [...render, '--output', at('rendered')]),
      mustRunCommand(PROGRAM, ['gateway', ...shoots, '--output', at('gateway')]),
      mustRunCommand(PROGRAM, ['certs', '--output', at('certificates'), '--namespace', SEED_NAMESPACE]),
    ])
    return new Rendered(dir)
  }

  private constructor(dir: string) {
    this.dir = dir
  }

  get gateway(): string {
    return join(this.dir, 'gateway', 'seed')
  }

  get seed(): string {
    return join(this.dir, 'rendered', 'seed')
  }

  get shoot(): string {
    return join(this.dir, 'rendered', 'shoot')
  }

  /** The folder of the authority that issued all certificates, with `ca.crt` and `ca.key`. */
  get authority(): string {
    return join(this.dir, 'certificates', 'ca')
  }

  /** Folders of certificates, each named as the Secret that it is for; that of the shoot is `vpn-shoot-tls`. */
  async secrets(): Promise<{ name: string; folder: string }[]> {
    const folder = join(this.dir, 'certificates')
    const names = (await readdir(folder)).filter((name) => name !== 'ca')
    return names.map((name) => ({ name, folder: join(folder, name) }))
  }

  /** A kustomization that has a Deployment of kube-apiserver and lists the rendered component. @returns its folder */
  async kustomize(apiServer: object): Promise<string> {
    const folder = join(this.dir, 'kustomization')
    await mkdir(folder)
    await cp(join(this.seed, 'kube-apiserver'), join(folder, 'component'), { recursive: true })
    await writeFile(join(folder, 'kube-apiserver.yaml'), JSON.stringify(apiServer))
    const kustomization = { resources: ['kube-apiserver.yaml'], components: ['component'] }
    await writeFile(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization))
    return folder
  }
}

function shootNamed(name: string, domain: string): object {
  return {
    apiVersion: 'core.gardener.cloud/v1beta1',
    kind: 'Shoot',
    metadata: { name, namespace: 'garden-core' },
    spec: {
      kubernetes: { version: '1.34.4' },
      dns: { domain },
      networking: { pods: SHOOT.pods, services: SHOOT.services, nodes: SHOOT.nodes },
    },
  }
}
