import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CONTROL_PLANE_IMAGE } from '../images/static-images.js'
import { apiServerFlags, controllerManagerFlags, schedulerFlags } from './api-server-flags.js'
import type { Credentials } from './credentials.js'
import { SEED_NAMESPACE } from './names.js'
import { etcdFlags } from './seed-control-plane.js'
import { SEED, SHOOT } from './topology.js'

const CREDENTIALS_DIR = '/srv/kubernetes/cluster'
const SECRET = 'cluster'
const PORT = 6443
const KUBE_APISERVER_URL = 'https://kube-apiserver:443'

/** etcd, controller-manager and scheduler of the shoot with what they need, as objects of the seed; kube-apiserver is by itself. */
export async function shootControlPlane(credentials: Credentials): Promise<object[]> {
  const kubeconfig = (user: string) => join(CREDENTIALS_DIR, `${user}.kubeconfig`)
  return [
    await secretOf(credentials),
    service('etcd', { app: 'etcd' }, 2379, 2379),
    service('kube-apiserver', API_SERVER_LABELS, 443, PORT),
    deployment('etcd', { app: 'etcd' }, ['etcd', ...etcdFlags('/data/etcd', '0.0.0.0')]),
    deployment('kube-controller-manager', { app: 'kubernetes', role: 'controller-manager' }, [
      'kube-controller-manager',
      ...controllerManagerFlags(kubeconfig('controller-manager'), CREDENTIALS_DIR, SHOOT.pods),
    ]),
    deployment('kube-scheduler', { app: 'kubernetes', role: 'scheduler' }, [
      'kube-scheduler',
      ...schedulerFlags(kubeconfig('scheduler')),
    ]),
  ]
}

/** Of the pods of kube-apiserver. */
export const API_SERVER_LABELS = { app: 'kubernetes', role: 'apiserver' }

/** The Deployment that the rendered kustomize component is for. */
export function shootApiServer(): object {
  const flags = apiServerFlags({
    credentials: CREDENTIALS_DIR,
    etcd: 'http://etcd:2379',
    services: SHOOT.services,
    advertised: SEED.loadBalancer,
    port: PORT,
  })
  // Nobody in the shoot reaches its pod.
  const command = ['kube-apiserver', ...flags, '--endpoint-reconciler-type=none']
  return deployment('kube-apiserver', API_SERVER_LABELS, command, {
    httpGet: { scheme: 'HTTPS', port: PORT, path: '/livez' },
    periodSeconds: 2,
    timeoutSeconds: 5,
  })
}

async function secretOf(credentials: Credentials): Promise<object> {
  const files = (await readdir(credentials.dir, { withFileTypes: true })).filter((entry) => entry.isFile())
  const data: Record<string, string> = {}
  for (const { name } of files) data[name] = (await readFile(join(credentials.dir, name))).toString('base64')
  for (const user of ['controller-manager', 'scheduler'] as const) {
    const text = await credentials.kubeconfigText(user, KUBE_APISERVER_URL)
    data[`${user}.kubeconfig`] = Buffer.from(text).toString('base64')
  }
  return { apiVersion: 'v1', kind: 'Secret', metadata: { name: SECRET, namespace: SEED_NAMESPACE }, data }
}

function service(name: string, selector: object, port: number, targetPort: number): object {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: SEED_NAMESPACE },
    spec: { selector, ports: [{ port, targetPort, protocol: 'TCP' }] },
  }
}

function deployment(name: string, labels: object, command: string[], readinessProbe?: object): object {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, namespace: SEED_NAMESPACE },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: podSpec(name, command, readinessProbe) },
    },
  }
}

/** Within the restricted profile of Pod Security. */
function podSpec(name: string, command: string[], readinessProbe?: object): object {
  return {
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 30,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 65532,
      runAsGroup: 65532,
      fsGroup: 65532,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name,
        image: CONTROL_PLANE_IMAGE,
        command,
        ...(readinessProbe === undefined ? {} : { readinessProbe }),
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: [
          { name: 'credentials', mountPath: CREDENTIALS_DIR, readOnly: true },
          { name: 'data', mountPath: '/data' },
          { name: 'tmp', mountPath: '/tmp' },
        ],
      },
    ],
    volumes: [
      { name: 'credentials', secret: { secretName: SECRET, defaultMode: 0o440 } },
      { name: 'data', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
    ],
  }
}
