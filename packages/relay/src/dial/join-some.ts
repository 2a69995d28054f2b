const MAX_SHOWN = 4

/** Texts in one, for a line of a log: a name may have a thousand addresses. */
export function joinSome(texts: readonly string[], separator: string): string {
  const shown = texts.slice(0, MAX_SHOWN)
  const left = texts.length - shown.length
  return [...shown, ...(left > 0 ? [`${left} more`] : [])].join(separator)
}
