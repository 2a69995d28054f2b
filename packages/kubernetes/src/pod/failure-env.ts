import { environmentName } from '@reversed-vpn/daemon'
import type { ValueMap } from '../manifest/manifest.js'
import type { MountedVolume } from './volumes.js'

/** Where a kubelet reads why a container ended (`terminationMessagePath`, its default). */
const TERMINATION_LOG = '/dev/termination-log'

/** The programs that run in pods. */
export type Program = 'seed-server' | 'shoot-client' | 'sni-gateway'

/**
 * Tells a program, which knows nothing of Kubernetes, where to leave the reason of its end, and which line of the manifest
 * gives what it may miss. In the environment, so that it is known before a flag or a file that cannot be read.
 */
export function failureEnv(
  program: Program,
  volumes: readonly MountedVolume[],
  others: Readonly<Record<string, string>>,
): ValueMap[] {
  const hints = [...volumes.flatMap(hintsOf), ...Object.entries(others).map((hint) => hint.join('='))]
  return [
    { name: environmentName(program, 'termination-log'), value: TERMINATION_LOG },
    ...(hints.length > 0 ? [{ name: environmentName(program, 'error-hint'), value: hints.join('\n') }] : []),
  ]
}

function hintsOf({ volume, mount }: MountedVolume): string[] {
  const { name, secret, hostPath } = volume as {
    name: string
    secret?: { secretName: string }
    hostPath?: { path: string; type: string }
  }
  const by = `the volume ${name} and a volumeMount of that name in this container`
  if (secret !== undefined)
    return [
      `${String(mount.mountPath)}/=that folder is the Secret ${secret.secretName} with tls.crt, tls.key and ca.crt, by ${by}`,
    ]
  if (hostPath !== undefined)
    return [`${hostPath.path}=the node's ${hostPath.path} (hostPath, type ${hostPath.type}) comes by ${by}`]
  return []
}
