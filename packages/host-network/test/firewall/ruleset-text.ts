/** The lines of a chain in a ruleset. */
export function chainOf(ruleset: string, name: string): string[] {
  const lines = ruleset.split('\n').map((line) => line.trim())
  const start = lines.indexOf(`chain ${name} {`)
  if (start < 0) throw new Error(`no chain ${name}`)
  return lines.slice(start + 1, lines.indexOf('}', start))
}
