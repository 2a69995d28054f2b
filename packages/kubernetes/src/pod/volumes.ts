import type { ValueMap } from '../manifest/manifest.js'

/** Readable for the owner and the group, which is the daemon's through `fsGroup`. */
const MODE_GROUP = 0o440
/** Readable for whoever runs in a container that mounts it. */
const MODE_ALL = 0o444

/** A volume of a pod together with where a container has it. */
export interface MountedVolume {
  readonly volume: ValueMap
  readonly mount: ValueMap
}

export interface MountedSecret {
  readonly name: string
  readonly secretName: string
  readonly mountPath: string
  /** Whether the pod has an `fsGroup`; another's pod may have none, and then all of the container may read. @default true */
  readonly hasFsGroup?: boolean
}

/** A Secret with `tls.crt`, `tls.key` and `ca.crt`, which is rendered by nobody and named by its user. */
export function mountedSecret({
  name,
  secretName,
  mountPath,
  hasFsGroup = true,
}: MountedSecret): MountedVolume {
  const defaultMode = hasFsGroup ? MODE_GROUP : MODE_ALL
  return {
    volume: { name, secret: { secretName, defaultMode } },
    mount: { name, mountPath, readOnly: true },
  }
}

export function mountedConfigMap(name: string, configMapName: string, mountPath: string): MountedVolume {
  return {
    volume: { name, configMap: { name: configMapName } },
    mount: { name, mountPath, readOnly: true },
  }
}

/** The TUN driver of the node. See the exception `dev-net-tun`. */
export function mountedTunDevice(name: string): MountedVolume {
  return {
    volume: { name, hostPath: { path: '/dev/net/tun', type: 'CharDevice' } },
    mount: { name, mountPath: '/dev/net/tun' },
  }
}
