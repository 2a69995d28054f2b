import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Lab, mustRunCommand, NETWORKS } from '@reversed-vpn/test/lab'
import { parseAllDocuments } from 'yaml'
import type { PodSpec, RenderedObject, VolumeSpec } from './pod-spec.js'

const PROGRAM = fileURLToPath(
  new URL('../../../../../packages/kubernetes/bin/reversed-vpn.js', import.meta.url),
)
const GARDENLET = {
  apiVersion: 'gardenlet.config.gardener.cloud/v1alpha1',
  kind: 'GardenletConfiguration',
  featureGates: { ReversedVPN: true },
}
/** The networks are the lab's. */
const SHOOT = {
  apiVersion: 'core.gardener.cloud/v1beta1',
  kind: 'Shoot',
  metadata: { name: 'lab', namespace: 'garden-core' },
  spec: {
    kubernetes: { version: '1.30.2' },
    dns: { domain: 'lab.core.example' },
    networking: {
      pods: Object.values(NETWORKS.pod),
      services: Object.values(NETWORKS.service),
      nodes: Object.values(NETWORKS.node),
    },
  },
}

export const API_SERVER_HOST = 'api.lab.core.example'
export const SEED_SERVER_HOST = 'vpn-seed-server.shoot--core--lab.svc.cluster.local'
const SEED_NAMESPACE = 'shoot--core--lab'

/** What `reversed-vpn` printed for the lab: the objects, and a folder with a folder for each Secret. */
export class Manifests {
  readonly #objects: readonly RenderedObject[]
  readonly secretsDir: string

  static async render(lab: Lab): Promise<Manifests> {
    const dir = join(lab.dir, 'manifests')
    await mkdir(dir)
    const [gardenlet, shoot, secretsDir] = ['gardenlet.yaml', 'shoot.yaml', 'secrets'].map((name) =>
      join(dir, name),
    ) as [string, string, string]
    // JSON is YAML.
    await Promise.all([
      writeFile(gardenlet, JSON.stringify(GARDENLET)),
      writeFile(shoot, JSON.stringify(SHOOT)),
    ])
    const render = ['render', '--gateway', '--gardenlet', gardenlet, '--shoot', shoot]
    const [ofShoot, ofGateway] = await Promise.all([
      mustRunCommand(PROGRAM, render),
      mustRunCommand(PROGRAM, ['gateway', '--shoot', shoot]),
      mustRunCommand(PROGRAM, ['certs', '--output', secretsDir, '--namespace', SEED_NAMESPACE]),
    ])
    return new Manifests(
      [ofShoot, ofGateway].flatMap(({ stdout }) =>
        parseAllDocuments(stdout).map((document) => document.toJS()),
      ),
      secretsDir,
    )
  }

  private constructor(objects: readonly RenderedObject[], secretsDir: string) {
    this.#objects = objects
    this.secretsDir = secretsDir
  }

  podOf(deployment: string): PodSpec {
    return this.#find('Deployment', deployment).spec.template.spec
  }

  /** Puts the files of a volume where a container can have them mounted. */
  async writeVolume({ configMap, secret }: VolumeSpec, folder: string): Promise<void> {
    await mkdir(folder, { recursive: true })
    if (configMap !== undefined) {
      for (const [name, text] of Object.entries(this.#find('ConfigMap', configMap.name).data)) {
        await writeFile(join(folder, name), text)
      }
    }
    if (secret !== undefined) {
      await cp(join(this.secretsDir, secret.secretName), folder, { recursive: true })
    }
  }

  #find<K extends RenderedObject['kind']>(kind: K, name: string): Extract<RenderedObject, { kind: K }> {
    const found = this.#objects.find((object) => object.kind === kind && object.metadata.name === name)
    if (found === undefined) throw new Error(`${kind} ${name} is not rendered`)
    return found as Extract<RenderedObject, { kind: K }>
  }
}
