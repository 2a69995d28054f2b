import type { ContainerSecurity, ContainerSpec, PodSpec } from './pod-spec.js'

/** Where podman has of a volume what the container is to see. */
export interface VolumeSource {
  readonly path: string
  readonly isDevice: boolean
}

const BYTES_OF = { Ki: 1024, Mi: 1024 ** 2, Gi: 1024 ** 3 } as const

/**
 * A container of a manifest as the arguments of `podman run`, image included. Probes and ports are left out, which podman
 * knows nothing of.
 *
 * @param extraMemoryBytes on top of what the manifest allows
 * @throws Error for a field that nobody here knows, so that none is left out unseen
 */
export function podmanArguments(
  pod: PodSpec,
  container: ContainerSpec,
  sourceOf: (volume: string) => VolumeSource,
  extraMemoryBytes: number,
): string[] {
  const { name, image, command, args = [], env = [], resources, securityContext, volumeMounts } = container
  const { ports: _ports, livenessProbe: _alive, readinessProbe: _ready, ...rest } = container
  const known = { name, image, command, args, env, resources, securityContext, volumeMounts }
  refuseUnknown(`container ${name}`, Object.keys(rest), Object.keys(known))
  return [
    ...['--pull', 'never', '--stop-timeout', String(pod.terminationGracePeriodSeconds)],
    ...securityArguments(securityContext),
    ...groupArguments(pod.securityContext.fsGroup),
    ...['--memory', String(bytesOf(resources.limits.memory) + extraMemoryBytes)],
    ...env.flatMap((variable) => ['--env', `${variable.name}=${variable.value}`]),
    ...volumeMounts.flatMap(({ name: volume, mountPath, readOnly = false }) => {
      const { path, isDevice } = sourceOf(volume)
      if (isDevice) return ['--device', `${path}:${mountPath}`]
      return ['--volume', `${path}:${mountPath}${readOnly ? ':ro' : ''}`]
    }),
    ...(command === undefined ? [] : ['--entrypoint', JSON.stringify(command)]),
    image,
    ...args,
  ]
}

function securityArguments(security: ContainerSecurity): string[] {
  const { runAsUser, runAsGroup, allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities } = security
  const { runAsNonRoot, seccompProfile } = security
  const known = { runAsUser, runAsGroup, allowPrivilegeEscalation, readOnlyRootFilesystem, capabilities }
  refuseUnknown('securityContext', Object.keys(security), [
    ...Object.keys(known),
    ...['runAsNonRoot', 'seccompProfile'],
  ])
  if (runAsNonRoot && runAsUser === 0) throw new Error('runAsNonRoot, and runAsUser 0')
  // The runtime's own profile is what podman takes by itself.
  if (seccompProfile.type !== 'RuntimeDefault') throw new Error(`seccomp profile ${seccompProfile.type}`)
  return [
    ...['--user', `${runAsUser}:${runAsGroup}`],
    ...(allowPrivilegeEscalation ? [] : ['--security-opt', 'no-new-privileges']),
    ...(readOnlyRootFilesystem ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...capabilities.drop.flatMap((name) => ['--cap-drop', name]),
    ...(capabilities.add ?? []).flatMap((name) => ['--cap-add', name]),
  ]
}

function groupArguments(fsGroup: number | undefined): string[] {
  return fsGroup === undefined ? [] : ['--group-add', String(fsGroup)]
}

function refuseUnknown(what: string, found: readonly string[], known: readonly string[]): void {
  const unknown = found.filter((field) => !known.includes(field))
  if (unknown.length > 0) throw new Error(`${what}: what does podman do with ${unknown.join(', ')}?`)
}

function bytesOf(quantity: string): number {
  const [, number = '', unit = ''] = /^(\d+)(Ki|Mi|Gi)$/.exec(quantity) ?? []
  if (!(unit in BYTES_OF)) throw new Error(`memory ${quantity}`)
  return Number(number) * BYTES_OF[unit as keyof typeof BYTES_OF]
}
