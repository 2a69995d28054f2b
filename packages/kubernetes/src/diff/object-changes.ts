/** One field that is not what it was. Undefined: it is not there. */
export interface FieldChange {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** The fields in which two values differ, each as deep as it goes. */
export function objectChanges(before: unknown, after: unknown, path = ''): FieldChange[] {
  if (isBranch(before) && isBranch(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap((key) =>
      objectChanges(Reflect.get(before, key), Reflect.get(after, key), `${path}${formatStep(before, key)}`),
    )
  }
  return JSON.stringify(before) === JSON.stringify(after)
    ? []
    : [{ path: path.replace(/^\./, ''), before, after }]
}

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function formatStep(parent: object, key: string): string {
  if (Array.isArray(parent)) return `[${key}]`
  return /^[\w-]+$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
}
