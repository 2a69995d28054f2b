import type { ValueMap } from '../manifest/manifest.js'

/** Readable for the owner and the group, which `fsGroup` makes the daemon's. */
const MODE_GROUP = 0o440
/** Readable for every user in a container that mounts it. */
const MODE_ALL = 0o444

/** A volume of a pod, and where a container mounts it. */
export interface MountedVolume {
  readonly volume: ValueMap
  readonly mount: ValueMap
}

interface MountedSecret {
  readonly name: string
  readonly secretName: string
  readonly mountPath: string
  /** Whether the pod has an `fsGroup`. Without one every user of the container may read. @default true */
  readonly hasFsGroup?: boolean
}

/** A Secret with `tls.crt`, `tls.key` and `ca.crt`. It is not rendered; whoever deploys creates it. */
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

/** The node's TUN driver, see the exception `dev-net-tun`. */
export function mountedTunDevice(name: string): MountedVolume {
  return {
    volume: { name, hostPath: { path: '/dev/net/tun', type: 'CharDevice' } },
    mount: { name, mountPath: '/dev/net/tun' },
  }
}
