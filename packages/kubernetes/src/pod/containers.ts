import { podMemoryBytes } from '@reversed-vpn/egress-proxy/room'
import { podMemoryBytes as gatewayMemoryBytes } from '@reversed-vpn/sni-gateway/room'
import type { ValueMap } from '../manifest/manifest.js'
import { CONFIG_FOLDER, CONFIG_KEY } from './config.js'
import { failureEnv, type Program } from './failure-env.js'
import { DAEMON_UID, daemonSecurityContext, setupSecurityContext } from './security.js'
import type { MountedVolume } from './volumes.js'

/**
 * The bench measures a daemon's resident memory (docs/performance.md, "RSS idle" and "RSS at most"): at least what it needs
 * idle is requested, and the limit is well above its peak, because a daemon that is killed cuts every connection of the shoot.
 */
const DAEMON_MEMORY = { request: '100Mi', limit: '300Mi' } as const
/** The seed-server that has an egress proxy takes as many streams as there is memory for, so its limit is for that many. */
export const EGRESS_MEMORY = { ...DAEMON_MEMORY, limit: `${podMemoryBytes() / 2 ** 20}Mi` } as const
/** The gateway likewise, for the connections of all shoots. */
export const GATEWAY_MEMORY = { ...DAEMON_MEMORY, limit: `${gatewayMemoryBytes() / 2 ** 20}Mi` } as const

/** `setup` runs for a moment, and starts other programs. */
const SETUP_RESOURCES = {
  requests: { cpu: '50m', memory: '100Mi' },
  limits: { memory: '300Mi' },
}

interface DaemonContainer {
  readonly name: string
  readonly program: Program
  readonly image: string
  readonly ports: Readonly<Record<string, number>>
  /** The key of `ports` that serves `/healthz` and `/readyz`. */
  readonly adminPort: string
  readonly volumes: readonly MountedVolume[]
  /** @default what a daemon needs that has no egress proxy */
  readonly memory?: { readonly request: string; readonly limit: string }
  /** Whether the pod is ready only with a tunnel. Not if the tunnel needs the pod's other containers. @default true */
  readonly hasReadinessProbe?: boolean
  /** @default true */
  readonly hasSeccompField?: boolean
}

/** A daemon that reads its options from the mounted configuration. */
export function daemonContainer(daemon: DaemonContainer): ValueMap {
  const {
    name,
    program,
    image,
    ports,
    adminPort,
    volumes,
    hasReadinessProbe = true,
    hasSeccompField,
  } = daemon
  const { memory = DAEMON_MEMORY } = daemon
  return {
    name,
    image,
    args: [`--config=${CONFIG_FOLDER}/${CONFIG_KEY}`],
    env: failureEnv(
      program,
      volumes,
      program === 'sni-gateway'
        ? {}
        : { 'that setup made': 'an init container of this pod makes it, with setup as its argument' },
    ),
    ports: Object.entries(ports).map(([portName, containerPort]) => ({
      name: portName,
      containerPort,
      protocol: 'TCP',
    })),
    livenessProbe: {
      httpGet: { path: '/healthz', port: adminPort },
      periodSeconds: 10,
      timeoutSeconds: 5,
      failureThreshold: 3,
    },
    readinessProbe: hasReadinessProbe
      ? {
          httpGet: { path: '/readyz', port: adminPort },
          periodSeconds: 5,
          timeoutSeconds: 5,
          failureThreshold: 2,
        }
      : undefined,
    resources: { requests: { cpu: '100m', memory: memory.request }, limits: { memory: memory.limit } },
    securityContext: daemonSecurityContext(hasSeccompField),
    volumeMounts: volumes.map(({ mount }) => mount),
  }
}

interface SetupContainer {
  readonly name: string
  readonly program: Program
  readonly image: string
  readonly volumes: readonly MountedVolume[]
  /** @default true */
  readonly hasSeccompField?: boolean
}

/** The init container that sets up the network for the daemon. It mounts the daemon's configuration, but no key. */
export function setupContainer(setup: SetupContainer): ValueMap {
  const { name, program, image, volumes, hasSeccompField } = setup
  return {
    name,
    image,
    args: ['setup', `--config=${CONFIG_FOLDER}/${CONFIG_KEY}`, `--uid=${DAEMON_UID}`],
    env: failureEnv(program, volumes, {
      CAP_NET_ADMIN: 'this container gets it by securityContext.capabilities.add, NET_ADMIN',
    }),
    resources: SETUP_RESOURCES,
    securityContext: setupSecurityContext(hasSeccompField),
    volumeMounts: volumes.map(({ mount }) => mount),
  }
}
