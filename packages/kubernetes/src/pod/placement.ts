import { MAX_TOLERATION_SECONDS, type NodeTolerationSeconds } from '../input/node-toleration.js'
import type { ValueMap } from '../manifest/manifest.js'

/** How soon a pod leaves a node that is gone. Kubernetes by itself waits five minutes. */
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
