import type { ValueMap } from '../manifest/manifest.js'
import { DAEMON_UID, daemonSecurityContext, setupSecurityContext } from './security.js'
import type { MountedVolume } from './volumes.js'

export const CONFIG_FOLDER = '/etc/reversed-vpn'
export const CONFIG_KEY = 'config.yaml'

/** A daemon idles at 85 MB and was never seen above 150 MB under load. */
const DAEMON_RESOURCES = {
  requests: { cpu: '100m', memory: '100Mi' },
  limits: { memory: '300Mi' },
}
/** It runs for a moment and starts other programs. */
const SETUP_RESOURCES = {
  requests: { cpu: '50m', memory: '100Mi' },
  limits: { memory: '300Mi' },
}

export interface DaemonContainer {
  readonly name: string
  readonly image: string
  readonly ports: Readonly<Record<string, number>>
  /** The name among `ports` where `/healthz` and `/readyz` are. */
  readonly adminPort: string
  readonly volumes: readonly MountedVolume[]
  /** Whether the pod is to wait for the tunnel: not where others in it are needed to bring the tunnel up. @default true */
  readonly hasReadinessProbe?: boolean
  /** @default true */
  readonly hasSeccompField?: boolean
}

/** The container of a daemon that reads its options from the mounted configuration. */
export function daemonContainer(daemon: DaemonContainer): ValueMap {
  const { name, image, ports, adminPort, volumes, hasReadinessProbe = true, hasSeccompField } = daemon
  return {
    name,
    image,
    args: [`--config=${CONFIG_FOLDER}/${CONFIG_KEY}`],
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
    resources: DAEMON_RESOURCES,
    securityContext: daemonSecurityContext(hasSeccompField),
    volumeMounts: volumes.map(({ mount }) => mount),
  }
}

export interface SetupContainer {
  readonly name: string
  readonly image: string
  readonly volumes: readonly MountedVolume[]
  /** @default true */
  readonly hasSeccompField?: boolean
}

/** The init container that makes the network the daemon then uses. It has the daemon's configuration, and no key. */
export function setupContainer({ name, image, volumes, hasSeccompField }: SetupContainer): ValueMap {
  return {
    name,
    image,
    args: ['setup', `--config=${CONFIG_FOLDER}/${CONFIG_KEY}`, `--uid=${DAEMON_UID}`],
    resources: SETUP_RESOURCES,
    securityContext: setupSecurityContext(hasSeccompField),
    volumeMounts: volumes.map(({ mount }) => mount),
  }
}
