import { parse, parseAllDocuments } from 'yaml'

/** A rendered document, as far as tests look into it. */
export interface KubernetesObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  // biome-ignore lint/suspicious/noExplicitAny: each kind has fields of its own, and a wrong one fails the assertion
  readonly [field: string]: any
}

export function parseObjects(stream: string): KubernetesObject[] {
  return parseAllDocuments(stream).map((document) => document.toJS())
}

/** The one object of a kind and name. @throws Error when there is none, or more */
export function findObject(
  objects: readonly KubernetesObject[],
  kind: string,
  name?: string,
): KubernetesObject {
  const [found, ...others] = objects.filter(
    (object) => object.kind === kind && (name === undefined || object.metadata.name === name),
  )
  if (found === undefined || others.length > 0)
    throw new Error(`${others.length + (found ? 1 : 0)} of ${kind} ${name ?? ''}, expected one`)
  return found
}

/** A pod as it would run: metadata and spec. */
export interface PodTemplate {
  readonly owner: string
  // biome-ignore lint/suspicious/noExplicitAny: as above
  readonly template: any
}

/** The pods of Deployments, and what a component adds to kube-apiserver's. */
export function podTemplates(objects: readonly KubernetesObject[]): PodTemplate[] {
  return objects.flatMap((object) => {
    if (object.kind === 'Deployment') return [{ owner: object.metadata.name, template: object.spec.template }]
    if (object.kind !== 'Component') return []
    return (object.patches as { patch: string }[])
      .map(({ patch }) => parse(patch))
      .filter((patch) => patch.kind === 'Deployment')
      .map((patch) => ({ owner: object.metadata.name, template: patch.spec.template }))
  })
}
