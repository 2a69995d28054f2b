import type { ValueMap } from '../manifest/manifest.js'

/** Whom daemons run as: a number that no image gives a meaning. It owns the TUN. */
export const DAEMON_UID = 65532

/** What keeps a pod from the restricted Pod Security profile, and why it has to be. */
const EXCEPTION_REASONS = {
  'setup-container':
    'the init container runs as root with NET_ADMIN: it makes the TUN, addresses, routes and firewall, and ends before anything talks to the network; the daemon then needs no capability',
  'dev-net-tun':
    'hostPath /dev/net/tun, that one device and nothing else of the node: the daemon attaches to its TUN through it',
  'forwarding-sysctl':
    'net.ipv6.conf.all.forwarding is off in a new pod and cannot be written from a container; it counts in the network of the pod alone',
} as const

export type SecurityException = keyof typeof EXCEPTION_REASONS

/** States exceptions with their reasons on the pod that has them. */
export function exceptionAnnotations(exceptions: readonly SecurityException[]): Record<string, string> {
  return Object.fromEntries(
    exceptions.map((exception) => [`pod-security.reversed-vpn/${exception}`, EXCEPTION_REASONS[exception]]),
  )
}

/** How a container is confined whatever it does. */
function confined(hasSeccompField: boolean): ValueMap {
  return {
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    ...(hasSeccompField ? { seccompProfile: { type: 'RuntimeDefault' } } : {}),
  }
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

/** For `setup`: root with the one capability that networks are made with. */
export function setupSecurityContext(hasSeccompField = true): ValueMap {
  return {
    runAsNonRoot: false,
    runAsUser: 0,
    runAsGroup: 0,
    ...confined(hasSeccompField),
    capabilities: { drop: ['ALL'], add: ['NET_ADMIN'] },
  }
}
