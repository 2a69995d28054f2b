import { TOOLS_IMAGE } from '../images/static-images.js'

/** A pod of one container on the image of tools, by default as its name alone. */
export function toolsPod(name: string, container: object, volumes: readonly object[] = []): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 0,
      enableServiceLinks: false,
      containers: [{ name: 'main', image: TOOLS_IMAGE, ...container }],
      volumes,
    },
  }
}
