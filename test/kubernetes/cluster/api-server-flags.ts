import { join } from 'node:path'
import { KUBELET_CLIENT } from './credentials.js'

interface ApiServerSetting {
  /** The folder of the cluster's credentials, as kube-apiserver sees it. */
  readonly credentials: string
  readonly etcd: string
  readonly services: string
  /** Where it is for others, as an address. */
  readonly advertised: string
  readonly port: number
}

/** Flags of kube-apiserver: the same for that of the seed and for that of the shoot. */
export function apiServerFlags(setting: ApiServerSetting): string[] {
  const file = (name: string) => join(setting.credentials, name)
  return [
    `--etcd-servers=${setting.etcd}`,
    `--service-cluster-ip-range=${setting.services}`,
    `--advertise-address=${setting.advertised}`,
    `--secure-port=${setting.port}`,
    `--tls-cert-file=${file('server.crt')}`,
    `--tls-private-key-file=${file('server.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    `--token-auth-file=${file('tokens.csv')}`,
    `--kubelet-client-certificate=${file('kubelet-client.crt')}`,
    `--kubelet-client-key=${file('kubelet-client.key')}`,
    `--kubelet-certificate-authority=${file('ca.crt')}`,
    '--kubelet-preferred-address-types=InternalIP',
    '--authorization-mode=Node,RBAC',
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-key-file=${file('sa.key')}`,
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--profiling=false',
    // For aggregated APIs.
    `--requestheader-client-ca-file=${file('ca.crt')}`,
    `--requestheader-allowed-names=${KUBELET_CLIENT}`,
    '--requestheader-extra-headers-prefix=X-Remote-Extra-',
    '--requestheader-group-headers=X-Remote-Group',
    '--requestheader-username-headers=X-Remote-User',
    `--proxy-client-cert-file=${file('kubelet-client.crt')}`,
    `--proxy-client-key-file=${file('kubelet-client.key')}`,
  ]
}

export function controllerManagerFlags(kubeconfig: string, credentials: string, pods: string): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--service-account-private-key-file=${join(credentials, 'sa.key')}`,
    `--root-ca-file=${join(credentials, 'ca.crt')}`,
    `--cluster-cidr=${pods}`,
    '--allocate-node-cidrs=false',
    '--use-service-account-credentials=true',
    '--leader-elect=false',
    '--secure-port=0',
    // A node that is gone shows within the time of a test.
    '--node-monitor-grace-period=40s',
  ]
}

export function schedulerFlags(kubeconfig: string): string[] {
  return [`--kubeconfig=${kubeconfig}`, '--leader-elect=false', '--secure-port=0']
}

/** Lets kube-apiserver in at the kubelets. */
export function kubeletAccess(user: string): object {
  return {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'system:kubelet-api-admin' },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: user }],
  }
}
