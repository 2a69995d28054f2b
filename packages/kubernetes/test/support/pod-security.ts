import type { PodTemplate } from './kubernetes-object.js'

/** Volumes that the restricted profile knows nothing against. */
const HARMLESS_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
]
/** kubernetes.io/docs/concepts/security/pod-security-standards, "Sysctls". */
const SAFE_SYSCTLS = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.ip_unprivileged_port_start',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
]

/**
 * What keeps a pod from the restricted profile of the Pod Security Standards, one line each.
 * A pod that is only added to is judged by its containers alone.
 */
export function podSecurityViolations({ template }: PodTemplate, { hasSeccompField = true } = {}): string[] {
  const { spec } = template
  const pod = spec.securityContext ?? {}
  const violations: string[] = []
  for (const key of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[key]) violations.push(key)
  for (const volume of spec.volumes ?? []) {
    const type = Object.keys(volume).find((key) => key !== 'name') ?? ''
    if (!HARMLESS_VOLUMES.includes(type)) violations.push(`volume ${type} ${volume[type].path}`)
  }
  for (const { name } of pod.sysctls ?? [])
    if (!SAFE_SYSCTLS.includes(name)) violations.push(`sysctl ${name}`)
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    if (container.image === undefined) continue
    const own = container.securityContext ?? {}
    const flag = (violation: string) => violations.push(`${container.name}: ${violation}`)
    if (own.privileged) flag('privileged')
    if (own.allowPrivilegeEscalation !== false) flag('privilege escalation')
    if (!(own.runAsNonRoot ?? pod.runAsNonRoot)) flag('may be root')
    if ((own.runAsUser ?? pod.runAsUser) === 0) flag('user 0')
    if (!own.capabilities?.drop?.includes('ALL')) flag('keeps capabilities')
    for (const added of own.capabilities?.add ?? [])
      if (added !== 'NET_BIND_SERVICE') flag(`capability ${added}`)
    const seccomp = (own.seccompProfile ?? pod.seccompProfile)?.type
    if (hasSeccompField && seccomp !== 'RuntimeDefault') flag('no seccomp profile')
    for (const { hostPort } of container.ports ?? []) if (hostPort) flag('host port')
  }
  return violations
}
