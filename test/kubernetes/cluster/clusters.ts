import { join } from 'node:path'
import { kubeletAccess } from './api-server-flags.js'
import { Cluster } from './cluster.js'
import { Credentials, KUBELET_CLIENT } from './credentials.js'
import { Machine } from './machine.js'
import { API_SERVER_HOST, SEED_NAMESPACE } from './names.js'
import { Node } from './node.js'
import { Rendered } from './rendered.js'
import { SEED_PORT, startSeedApiServer, startSeedControllers } from './seed-control-plane.js'
import { ServiceKeeper } from './service-keeper.js'
import { shootApiServer, shootControlPlane } from './shoot-control-plane.js'
import { buildTopology, type NodePlace, PUBLIC_DNS, SEED, SHOOT, SHOOT_NODES } from './topology.js'
import { VERTICAL_POD_AUTOSCALER } from './vertical-pod-autoscaler.js'
import { World } from './world.js'

interface ClustersOptions {
  /** The folder of etcd, kubectl and all programs of Kubernetes. */
  readonly binaries: string
  /** Docker archives, for every node. */
  readonly images: readonly string[]
  /** Nodes in the shoot, 1 or 2. @default 1 */
  readonly workers?: number
}

/** A seed and a shoot whose control plane is in it; no tunnel between them until `connect`. */
export class Clusters implements AsyncDisposable {
  readonly seed: Cluster
  readonly shoot: Cluster
  readonly seedNamespace = SEED_NAMESPACE
  readonly rendered: Rendered
  readonly #world: World

  /** Needs root and what `npm run test:kubernetes` brings. @throws LabError when a step fails; what was made is removed again */
  static async create(options: ClustersOptions): Promise<Clusters> {
    const world = await World.create()
    try {
      return await build(world, options)
    } catch (error) {
      await world.close()
      throw error
    }
  }

  constructor(world: World, seed: Cluster, shoot: Cluster, rendered: Rendered) {
    this.#world = world
    this.seed = seed
    this.shoot = shoot
    this.rendered = rendered
  }

  /** Applies what `reversed-vpn render` wrote, unchanged, to both clusters, the shoot last, and waits until all is ready. */
  async connect(): Promise<void> {
    const { seed, shoot, rendered } = this
    for (const { name, folder } of await rendered.secrets()) {
      const [cluster, namespace] = name === 'vpn-shoot-tls' ? [shoot, 'kube-system'] : [seed, SEED_NAMESPACE]
      await cluster.mustKubectl(['create', 'secret', 'generic', name, '-n', namespace, '--from-file', folder])
    }
    await seed.mustKubectl(['apply', '-f', rendered.seed])
    await seed.mustKubectl(['apply', '-k', await rendered.kustomize(shootApiServer())])
    await seed.rolledOut(SEED_NAMESPACE, 'kube-apiserver')
    await shoot.eventually(['get', '--raw', '/readyz'])
    await shoot.mustKubectl(['apply', '-f', rendered.shoot])
    await shoot.rolledOut('kube-system', 'vpn-shoot')
    await seed.rolledOut(SEED_NAMESPACE, 'vpn-seed-server')
  }

  /** Kills the process of the only container of the only such pod, and waits until its kubelet has started another. */
  async killContainer(cluster: Cluster, namespace: string, selector: string): Promise<void> {
    const status = '{.items[0].status.containerStatuses[0]'
    const read = (field: string) =>
      cluster.eventually([
        'get',
        'pods',
        '-n',
        namespace,
        '-l',
        selector,
        '-o',
        `jsonpath=${status}.${field}}`,
      ])
    const id = (await read('containerID')).replace('containerd://', '')
    await Promise.any(cluster.nodes.map((node) => node.ctr(['tasks', 'kill', '--signal', 'SIGKILL', id])))
    await cluster.eventually(
      ['get', 'pods', '-n', namespace, '-l', selector, '-o', `jsonpath=${status}['containerID', 'ready']}`],
      90_000,
      (said) => said.endsWith(' true') && !said.includes(id),
    )
  }

  /** Ends and removes everything. Idempotent. */
  close(): Promise<void> {
    return this.#world.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function build(world: World, options: ClustersOptions): Promise<Clusters> {
  await buildTopology(world)
  await startPublicDns(world)
  const places = SHOOT_NODES.slice(0, options.workers ?? 1)
  const [seedCredentials, shootCredentials, rendered] = await Promise.all([
    Credentials.create(join(world.dir, 'seed-credentials'), {
      names: ['kubernetes.default.svc'],
      addresses: [SEED.address, SEED.kubernetesService],
      nodes: ['seed'],
    }),
    Credentials.create(join(world.dir, 'shoot-credentials'), {
      names: [API_SERVER_HOST, 'kube-apiserver', 'kubernetes.default.svc'],
      addresses: [SEED.loadBalancer, SHOOT.kubernetesService],
      nodes: places.map(({ name }) => name),
    }),
    Rendered.create(join(world.dir, 'manifests')),
  ])
  const [seed, workers] = await Promise.all([
    buildSeed(world, options, seedCredentials, rendered, shootCredentials),
    Promise.all(places.map((place) => makeWorker(world, options, shootCredentials, place))),
  ])
  const operator = await Machine.create(world, 'operator', PUBLIC_DNS)
  const admin = await shootCredentials.kubeconfig('admin', `https://${API_SERVER_HOST}`)
  const shoot = new Cluster(world, operator, options.binaries, admin)
  await joinNodes(shoot, workers)
  return new Clusters(world, seed, shoot, rendered)
}

/** The seed with one node, the gateway, and the control plane of the shoot. */
async function buildSeed(
  world: World,
  options: ClustersOptions,
  credentials: Credentials,
  rendered: Rendered,
  shootCredentials: Credentials,
): Promise<Cluster> {
  const machine = await Machine.create(world, 'seed', PUBLIC_DNS)
  await startSeedApiServer(machine, options.binaries, credentials)
  const server = `https://${SEED.address}:${SEED_PORT}`
  const seed = new Cluster(world, machine, options.binaries, await credentials.kubeconfig('admin', server))
  const [node] = await Promise.all([
    Node.create(machine, world.id, {
      ...options,
      ...{ credentials, server, address: SEED.address, dnsAddress: SEED.address },
      ...{ podNetwork: SEED.pods, clusterPods: SEED.pods },
    }),
    seed
      .eventually(['get', '--raw', '/readyz'])
      .then(() => startSeedControllers(machine, options.binaries, credentials)),
  ])
  await ServiceKeeper.start(machine, seed)
  await joinNodes(seed, [node])
  await seed.apply([
    VERTICAL_POD_AUTOSCALER,
    namespace(SEED_NAMESPACE, 'privileged'),
    namespace('sni-gateway', 'restricted'),
  ])
  await seed.apply([...(await shootControlPlane(shootCredentials)), shootApiServer()])
  await seed.mustKubectl(['apply', '-f', rendered.gateway])
  await Promise.all([
    seed.rolledOut(SEED_NAMESPACE, 'kube-apiserver'),
    seed.rolledOut('sni-gateway', 'sni-gateway'),
  ])
  return seed
}

async function makeWorker(
  world: World,
  options: ClustersOptions,
  credentials: Credentials,
  { name, address, podNetwork }: NodePlace,
): Promise<Node> {
  const machine = await Machine.create(world, name, PUBLIC_DNS)
  return Node.create(machine, world.id, {
    ...options,
    ...{ credentials, server: `https://${API_SERVER_HOST}`, address, dnsAddress: PUBLIC_DNS },
    ...{ podNetwork, clusterPods: SHOOT.pods },
  })
}

async function joinNodes(cluster: Cluster, nodes: readonly Node[]): Promise<void> {
  await cluster.eventually(['get', '--raw', '/readyz'])
  await cluster.apply([kubeletAccess(KUBELET_CLIENT)])
  for (const node of nodes) {
    await node.join()
    cluster.nodes.push(node)
  }
  for (const node of nodes) {
    await cluster
      .eventually(['wait', '--for=condition=Ready', `node/${node.name}`, '--timeout=5s'])
      .catch((error: unknown) => {
        throw new Error(`${error}\n${node.tail()}`)
      })
  }
  // Without it no pod is let in.
  await cluster.eventually(['get', 'serviceaccount', 'default'])
}

function namespace(name: string, level: 'restricted' | 'privileged'): object {
  const labels = { 'pod-security.kubernetes.io/enforce': level }
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } }
}

/** Whoever asks, the API servers of all shoots are at the seed's load balancer. */
async function startPublicDns(world: World): Promise<void> {
  const dnsmasq = await world.start('nsenter', [
    ...[
      `--net=/run/netns/${world.netnsOf('internet')}`,
      'dnsmasq',
      '--keep-in-foreground',
      '--conf-file=/dev/null',
    ],
    ...[
      '--user=root',
      '--pid-file=',
      '--no-hosts',
      '--no-resolv',
      `--listen-address=${PUBLIC_DNS}`,
      '--bind-interfaces',
    ],
    `--address=/core.example/${SEED.loadBalancer}`,
    '--log-facility=-',
  ])
  await dnsmasq.waitForLine(/started/, { deadlineMs: 60_000 })
}
