import type { RenderSetting } from '../setting/render-setting.js'

/** Whether a pod has to ask for a sysctl. IPv4 forwarding it has from its node, which Kubernetes needs it on; IPv6 it has not. */
export function needsForwardingSysctl({ families, hasPodSysctls }: RenderSetting): boolean {
  return hasPodSysctls && families.includes(6)
}

/** What a pod's security context has to say for that. */
export function forwardingSysctls(setting: RenderSetting) {
  if (!needsForwardingSysctl(setting)) return {}
  return { sysctls: [{ name: 'net.ipv6.conf.all.forwarding', value: '1' }] }
}
