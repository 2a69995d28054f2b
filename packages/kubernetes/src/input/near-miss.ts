/** How many letters have to be typed differently before two names are no slip of each other. */
const MAX_SLIPS = 2

/** The name among `names` that `text` was most likely meant to be, when it is none of them. */
export function findNearMiss<Name extends string>(text: string, names: readonly Name[]): Name | undefined {
  if ((names as readonly string[]).includes(text)) return undefined
  return names.find((name) => countSlips(text.toLowerCase(), name.toLowerCase()) <= MAX_SLIPS)
}

/** Letters added, left out or exchanged between two texts (Levenshtein's distance). */
function countSlips(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1]
    for (const [column, other] of [...right].entries()) {
      const exchanged = (previous[column] ?? 0) + (letter === other ? 0 : 1)
      current.push(Math.min(exchanged, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}
