import type { Test } from 'tap'
import type { Cluster } from '../cluster/cluster.js'
import { PRINTER } from '../cluster/index.js'
import { API_SERVER_HOST } from '../cluster/names.js'
import { METRICS_SERVER_IMAGE } from '../images/static-images.js'

const NAME = 'metrics-server'
const NAMESPACE = 'kube-system'
const PORT = 10_250
const API = 'v1beta1.metrics.k8s.io'
const RBAC = 'rbac.authorization.k8s.io'
/** It asks the kubelets every 10 s, which is the least it takes, and needs two answers. */
const FIRST_ANSWER_MS = 240_000

/** Starts metrics-server in the shoot, as an aggregated API: kube-apiserver forwards to it, and it asks the kubelets. */
export async function startMetricsServer(cluster: Cluster): Promise<void> {
  await cluster.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: NAME, namespace: NAMESPACE } },
    ...permissions(),
    deployment(),
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: NAME, namespace: NAMESPACE },
      spec: { selector: { app: NAME }, ports: [{ port: 443, targetPort: PORT, protocol: 'TCP' }] },
    },
    {
      apiVersion: 'apiregistration.k8s.io/v1',
      kind: 'APIService',
      metadata: { name: API },
      spec: {
        service: { name: NAME, namespace: NAMESPACE },
        group: 'metrics.k8s.io',
        version: 'v1beta1',
        insecureSkipTLSVerify: true,
        groupPriorityMinimum: 100,
        versionPriority: 100,
      },
    },
  ])
}

/** What `kubectl top` shows of nodes and pods; kube-apiserver has it from a Service in the shoot. */
export async function readMetrics(t: Test, cluster: Cluster): Promise<void> {
  const ofNode = (name: string) => new RegExp(`^${name} +\\d+m +\\d+% +\\d+Mi `, 'm')
  const hasAll = (said: string) => cluster.nodes.every(({ name }) => ofNode(name).test(said))
  const nodes = await cluster.eventually(['top', 'node', '--no-headers'], FIRST_ANSWER_MS, hasAll)
  for (const { name } of cluster.nodes) t.match(nodes, ofNode(name), 'kubectl top node')
  const hasPrinter = (said: string) => said.includes(PRINTER)
  const pods = await cluster.eventually(['top', 'pod', '--no-headers'], FIRST_ANSWER_MS, hasPrinter)
  t.match(pods, new RegExp(`^${PRINTER} +\\d+m +\\d+Mi `, 'm'), 'kubectl top pod')
  const available = '-o=jsonpath={.spec.service.name} {.status.conditions[?(@.type=="Available")].status}'
  const { stdout } = await cluster.mustKubectl(['get', 'apiservice', API, available])
  t.equal(stdout, `${NAME} True`, 'the aggregated API is available, and is that pod')
}

function permissions(): object[] {
  const rules = [
    { apiGroups: [''], resources: ['nodes/metrics'], verbs: ['get'] },
    { apiGroups: [''], resources: ['pods', 'nodes', 'namespaces'], verbs: ['get', 'list', 'watch'] },
  ]
  const delegator = { name: `${NAME}-delegator` }
  const place = { name: NAME, namespace: NAMESPACE }
  return [
    { apiVersion: `${RBAC}/v1`, kind: 'ClusterRole', metadata: { name: NAME }, rules },
    binding('ClusterRoleBinding', { name: NAME }, 'ClusterRole', NAME),
    binding('ClusterRoleBinding', delegator, 'ClusterRole', 'system:auth-delegator'),
    binding('RoleBinding', place, 'Role', 'extension-apiserver-authentication-reader'),
  ]
}

function binding(kind: string, metadata: object, roleKind: string, role: string): object {
  const subjects = [{ kind: 'ServiceAccount', name: NAME, namespace: NAMESPACE }]
  const roleRef = { apiGroup: RBAC, kind: roleKind, name: role }
  return { apiVersion: `${RBAC}/v1`, kind, metadata, subjects, roleRef }
}

function deployment(): object {
  const args = [
    ...[
      '--cert-dir=/tmp',
      `--secure-port=${PORT}`,
      '--metric-resolution=10s',
      '--kubelet-request-timeout=9s',
    ],
    ...['--kubelet-preferred-address-types=InternalIP', '--kubelet-use-node-status-port'],
    '--kubelet-certificate-authority=/var/run/secrets/kubernetes.io/serviceaccount/ca.crt',
  ]
  const container = {
    name: NAME,
    image: METRICS_SERVER_IMAGE,
    args,
    // As pods of a shoot have it from Gardener: the gateway knows kube-apiserver by its name.
    env: [
      { name: 'KUBERNETES_SERVICE_HOST', value: API_SERVER_HOST },
      { name: 'KUBERNETES_SERVICE_PORT', value: '443' },
    ],
    readinessProbe: { httpGet: { path: '/readyz', port: PORT, scheme: 'HTTPS' }, periodSeconds: 2 },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
  }
  const spec = {
    serviceAccountName: NAME,
    securityContext: {
      ...{ runAsNonRoot: true, runAsUser: 65_532, fsGroup: 65_532 },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [container],
    volumes: [{ name: 'tmp', emptyDir: {} }],
  }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: {
      selector: { matchLabels: { app: NAME } },
      template: { metadata: { labels: { app: NAME } }, spec },
    },
  }
}
