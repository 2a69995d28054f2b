import { formatPath, type InputPath } from '../input/input-file.js'
import type { IdentifiedObject, Identity, ManifestSet } from './manifest-set.js'

/** A field that differs. Undefined: it is absent. */
interface FieldChange {
  readonly path: string
  readonly before: unknown
  readonly after: unknown
}

/** Characters of a value that are shown. */
const MAX_VALUE_LENGTH = 120

/** What happens to the objects of `before` when `after` replaces them, as text for a person. */
export function describeDiff(before: ManifestSet, after: ManifestSet): string {
  const added = [...after].filter(([key]) => !before.has(key)).map(([, item]) => item)
  const gone = [...before].filter(([key]) => !after.has(key)).map(([, item]) => item)
  const [kept, removed] = [true, false].map((isShared) =>
    gone.filter(({ identity }) => identity.isShared === isShared),
  ) as [IdentifiedObject[], IdentifiedObject[]]
  const changed = [...after].flatMap(([key, { identity, object }]) => {
    const changes = objectChanges(before.get(key)?.object, object)
    return before.has(key) && changes.length > 0 ? [{ identity, changes }] : []
  })
  const lines = [
    ...added.map(({ identity }) => `added ${nameOf(identity)}`),
    ...changed.flatMap(({ identity, changes }) => [
      `changed ${nameOf(identity)}`,
      ...changes.flatMap(describeChange),
    ]),
    ...removed.map(({ identity }) => `removed ${nameOf(identity)}`),
    ...kept.map(({ identity }) => `kept ${nameOf(identity)}, which other shoots of the seed may use`),
    `${added.length} added, ${changed.length} changed, ${removed.length} removed, ${kept.length} kept`,
  ]
  return lines.map((line) => `${line}\n`).join('')
}

function nameOf({ cluster, kind, namespace, name }: Identity): string {
  return `in the ${cluster}: ${kind} ${namespace === '' ? '' : `${namespace}/`}${name}`
}

function describeChange({ path, before, after }: FieldChange): string[] {
  const [left, right] = [linesOf(before), linesOf(after)]
  return [
    `  ${path}`,
    ...left.filter((line) => !right.includes(line)).map((line) => `    - ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `    + ${line}`),
  ]
}

/** Text line by line, so that a changed option of a configuration shows as one line; anything else in one line. */
function linesOf(value: unknown): string[] {
  if (value === undefined) return []
  if (typeof value === 'string') return value.trimEnd().split('\n')
  const text = JSON.stringify(value)
  return [text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text]
}

/** The fields in which two values differ, as deep as the difference is. */
function objectChanges(before: unknown, after: unknown, path: InputPath = []): FieldChange[] {
  if (isBranch(before) && isBranch(after) && Array.isArray(before) === Array.isArray(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return [...keys].flatMap((key) => {
      const step = Array.isArray(before) ? Number(key) : key
      return objectChanges(Reflect.get(before, key), Reflect.get(after, key), [...path, step])
    })
  }
  return JSON.stringify(before) === JSON.stringify(after) ? [] : [{ path: formatPath(path), before, after }]
}

function isBranch(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
