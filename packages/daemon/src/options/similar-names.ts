/** How many letters a name may differ from another to be taken for a misspelling of it. */
const MAX_SLIPS = 2
/** A shorter beginning is in common with too many names. */
const MIN_BEGINNING = 4
const MAX_NAMES = 3

/**
 * The names in kebab-case that an unknown one was probably meant for, likeliest first: of which it is a misspelling, else
 * with which it shares the beginning, else most of its words.
 */
export function findSimilarNames(given: string, names: readonly string[]): string[] {
  const misspelt = findMisspelt(given, names)
  if (misspelt !== undefined) return [misspelt]
  const beginning = names.filter((name) => name.length >= MIN_BEGINNING && given.startsWith(name))
  const longest = Math.max(...beginning.map((name) => name.length))
  if (beginning.length > 0) return beginning.filter((name) => name.length === longest)
  const continued = given.length >= MIN_BEGINNING ? names.filter((name) => name.startsWith(given)) : []
  if (continued.length > 0) return continued.slice(0, MAX_NAMES)
  const words = given.split('-')
  const shared = (name: string) => name.split('-').filter((word) => words.includes(word)).length
  return names
    .filter((name) => shared(name) * 2 > words.length)
    .sort((left, right) => shared(right) - shared(left))
    .slice(0, MAX_NAMES)
}

/** The name of which `given` is a misspelling, whatever its case. */
export function findMisspelt<Name extends string>(given: string, names: readonly Name[]): Name | undefined {
  // A short name that differs in two letters is another name.
  const limit = Math.min(MAX_SLIPS, Math.floor(given.length / 2) - 1)
  const slips = names.map((name) => countSlips(given.toLowerCase(), name.toLowerCase()))
  const fewest = Math.min(...slips)
  return fewest <= limit ? names[slips.indexOf(fewest)] : undefined
}

/** `, did you mean --one or --two?`, empty for none. */
export function didYouMean(names: readonly string[]): string {
  return names.length === 0 ? '' : `, did you mean ${names.join(' or ')}?`
}

/** Letters inserted, deleted or substituted between two texts (Levenshtein distance). */
function countSlips(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (const [row, letter] of [...left].entries()) {
    const current = [row + 1]
    for (const [column, other] of [...right].entries()) {
      const substituted = (previous[column] ?? 0) + (letter === other ? 0 : 1)
      current.push(Math.min(substituted, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1))
    }
    previous = current
  }
  return previous.at(-1) ?? 0
}
