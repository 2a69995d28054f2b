import type { Identity } from './identity.js'
import type { IdentifiedObject, ManifestSet } from './manifest-set.js'
import { type FieldChange, objectChanges } from './object-changes.js'

/** How long a value may be in a line. */
const MAX_VALUE_LENGTH = 120

/** What becomes of the objects of `before` when `after` takes their place, as text for a person. */
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

/** A text by its lines, so that one option of a configuration shows as one line; anything else as one. */
function linesOf(value: unknown): string[] {
  if (value === undefined) return []
  if (typeof value === 'string') return value.trimEnd().split('\n')
  const text = JSON.stringify(value)
  return [text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text]
}
