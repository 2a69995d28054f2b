import { TOOLS_IMAGE } from '../images/static-images.js'

export const PRINTER = 'printer'

/** A pod that prints `line N` twice a second. @param name @param node where it has to be. @default anywhere */
export function printerPod(name = PRINTER, node?: string): object {
  const loop = 'n=1; while :; do echo line $n; n=$((n+1)); sleep 0.5; done'
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      enableServiceLinks: false,
      ...(node === undefined ? {} : { nodeName: node }),
      containers: [{ name: 'main', image: TOOLS_IMAGE, command: ['sh', '-c', loop] }],
    },
  }
}
