import type { ValueMap } from '../manifest/manifest.js'

/** How long a pod stays on a node that is gone, in seconds. */
export interface NodeTolerationSeconds {
  readonly notReady: number
  readonly unreachable: number
}

/** A tunnel may not be down for longer because a node is gone. Kubernetes by itself waits five minutes. */
export const MAX_TOLERATION_SECONDS = 60

export function nodeTolerations(
  { notReady, unreachable }: NodeTolerationSeconds = {
    notReady: MAX_TOLERATION_SECONDS,
    unreachable: MAX_TOLERATION_SECONDS,
  },
): readonly ValueMap[] {
  const tolerate = (taint: string, tolerationSeconds: number) => ({
    key: `node.kubernetes.io/${taint}`,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds,
  })
  return [tolerate('not-ready', notReady), tolerate('unreachable', unreachable)]
}
