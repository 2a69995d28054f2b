import type { Cluster } from './cluster.js'
import { toolsPod } from './tools-pod.js'

const NAME = 'stranger'
/** Enough for what is let in: only a failure waits for the end of it. */
export const LET_IN_S = 120
/** For what gets no answer, whenever it gives up. */
export const VAIN_S = 3

/** A pod that keeps to the restricted profile and is never ready: whatever its labels, no Service leads to it. */
export class Stranger {
  readonly #cluster: Cluster
  readonly #namespace: string

  /** Resolves when it runs. */
  static async start(cluster: Cluster, namespace: string): Promise<Stranger> {
    const { spec, ...pod } = toolsPod(NAME, { securityContext: RESTRICTED }) as { spec: object }
    const readinessGates = [{ conditionType: 'reversed-vpn.test/never' }]
    const metadata = { name: NAME, namespace }
    await cluster.apply([{ ...pod, metadata, spec: { ...spec, readinessGates } }])
    const stranger = new Stranger(cluster, namespace)
    const status = 'jsonpath={.status.containerStatuses[0].started}'
    const started = ['get', 'pod', NAME, '-n', namespace, '-o', status]
    await cluster.eventually(started, 120_000, (said) => said === 'true')
    return stranger
  }

  private constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster
    this.#namespace = namespace
  }

  /** Its labels are exactly these. */
  async label(labels: Readonly<Record<string, string>>): Promise<void> {
    const patch = JSON.stringify([{ op: 'add', path: '/metadata/labels', value: labels }])
    await this.#cluster.mustKubectl([
      ...['patch', 'pod', NAME, '-n', this.#namespace, '--type=json', '-p', patch],
    ])
  }

  /** Connects, with enough time for what gets through. @returns why it did not, empty when it did */
  connect(to: string): Promise<string> {
    return this.#try(to, LET_IN_S)
  }

  /** The same for what gets no answer. */
  connectInVain(to: string): Promise<string> {
    return this.#try(to, VAIN_S)
  }

  async #try(to: string, seconds: number): Promise<string> {
    const connect = ['/agnhost', 'connect', to, `--timeout=${seconds}s`]
    const { stdout, stderr } = await this.#cluster.kubectl(
      ['exec', NAME, '-n', this.#namespace, '--', ...connect],
      { deadlineMs: (seconds + 120) * 1000 },
    )
    return (stdout + stderr).trim()
  }
}

const RESTRICTED = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  runAsNonRoot: true,
  runAsUser: 65532,
  seccompProfile: { type: 'RuntimeDefault' },
}
