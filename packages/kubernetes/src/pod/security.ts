import { type Cluster, defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'

/** The user that daemons run as and that owns the TUN: a number that no image gives a meaning. */
export const DAEMON_UID = 65532

/** What makes a pod violate the restricted Pod Security profile, and why that is necessary. */
const EXCEPTION_REASONS = {
  'setup-container':
    'the init container runs as root with NET_ADMIN: it makes the TUN, addresses, routes and firewall, and ends ' +
    'before anything talks to the network; the daemon then needs no capability',
  'dev-net-tun':
    'hostPath /dev/net/tun, that one device and nothing else of the node: the daemon attaches to its TUN through it',
  'forwarding-sysctl':
    'net.ipv6.conf.all.forwarding is off in a new pod and cannot be written from a container; ' +
    'it counts in the network of the pod alone',
} as const

/** States on a pod with a tunnel which exceptions it needs, each with its reason. */
export function exceptionAnnotations(setting: RenderSetting): Record<string, string> {
  const exceptions = [
    'setup-container',
    'dev-net-tun',
    ...(needsForwardingSysctl(setting) ? (['forwarding-sysctl'] as const) : []),
  ] as const
  return Object.fromEntries(
    exceptions.map((exception) => [`pod-security.reversed-vpn/${exception}`, EXCEPTION_REASONS[exception]]),
  )
}

/** The fields of a pod's security context that switch on forwarding between its tunnel and its network, if it needs any. */
export function forwardingSysctls(setting: RenderSetting): ValueMap | undefined {
  if (!needsForwardingSysctl(setting)) return undefined
  return { sysctls: [{ name: 'net.ipv6.conf.all.forwarding', value: '1' }] }
}

/** IPv4 forwarding is on in a new pod, or `setup` switches it on by interface; for IPv6 it could not. */
function needsForwardingSysctl({ families, hasPodSysctls }: RenderSetting): boolean {
  return hasPodSysctls && families.includes(6)
}

/** For a daemon: not root, no capability. */
export function daemonSecurityContext(hasSeccompField = true): ValueMap {
  return {
    runAsNonRoot: true,
    runAsUser: DAEMON_UID,
    runAsGroup: DAEMON_UID,
    ...confined(hasSeccompField),
    capabilities: { drop: ['ALL'] },
  }
}

/** For `setup`: root, with the one capability that configuring a network needs. */
export function setupSecurityContext(hasSeccompField = true): ValueMap {
  return {
    runAsNonRoot: false,
    runAsUser: 0,
    runAsGroup: 0,
    ...confined(hasSeccompField),
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
  }
}

/** The restrictions of every container. */
function confined(hasSeccompField: boolean): ValueMap {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    ...(hasSeccompField ? { seccompProfile: { type: 'RuntimeDefault' } } : {}),
  }
}

/** An identity without rights and without a token: nothing here uses the Kubernetes API. */
export function serviceAccount(cluster: Cluster, name: string, namespace: string): Manifest {
  return defineManifest(
    cluster,
    { apiVersion: 'v1', kind: 'ServiceAccount', name, namespace, labels: { app: name } },
    { automountServiceAccountToken: false },
  )
}
