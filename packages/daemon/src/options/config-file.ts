import { readFileSync } from 'node:fs'
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { describeCause, EnvironmentError, oneLine, UsageError } from '../errors.js'
import { lookAtFiles } from '../watch-files.js'
import { didYouMean, findSimilarNames } from './similar-names.js'

/** One key of a configuration file, its values still text. */
interface ConfigEntry {
  readonly texts: readonly string[]
  /** Written as a sequence, so items are not split at commas. */
  readonly isSequence: boolean
  readonly line: number
}

export interface ConfigFile {
  readonly path: string
  /** Its fingerprint before it was read, see `lookAtFiles`. */
  readonly seen: string
  readonly entries: ReadonlyMap<string, ConfigEntry>
}

/**
 * Reads a YAML mapping of flag names to scalars, or to sequences of scalars. Scalars are used as written, so that `1500` and
 * `"1500"` are the same.
 *
 * @throws EnvironmentError when the file cannot be read
 * @throws UsageError naming file and line for invalid YAML, another structure, or a key that is not in `allowed`
 */
export function readConfigFile(path: string, allowed: readonly string[]): ConfigFile {
  const seen = lookAtFiles([path])
  const lines = new LineCounter()
  const document = parseDocument(readText(path), { lineCounter: lines, prettyErrors: false })
  const lineOf = (offset: number | undefined): number => lines.linePos(offset ?? 0).line
  const [error] = document.errors
  if (error) throw new UsageError(`${path}:${lineOf(error.pos[0])}: ${oneLine(error.message)}`)

  const entries = new Map<string, ConfigEntry>()
  if (document.contents === null) return { path, seen, entries }
  if (!isMap(document.contents)) throw new UsageError(`${path}:1: expected a YAML mapping of option names`)
  for (const { key, value } of document.contents.items) {
    if (!isScalar(key)) throw new UsageError(`${path}: expected option names as keys`)
    const name = String(key.value)
    const line = lineOf(key.range?.[0])
    if (!allowed.includes(name)) {
      const hint = didYouMean(findSimilarNames(name, allowed)) || `, expected ${allowed.join(', ')}`
      throw new UsageError(`${path}:${line}: unknown key ${JSON.stringify(name)}${hint}`)
    }
    const texts = readTexts(value as Node | null)
    if (texts === undefined)
      throw new UsageError(`${path}:${line}: ${name}: expected a value or a sequence of values`)
    entries.set(name, { texts, isSequence: isSeq(value), line })
  }
  return { path, seen, entries }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new EnvironmentError(`cannot read --config ${JSON.stringify(path)}: ${describeCause(error)}`, {
      cause: error,
    })
  }
}

function readTexts(value: unknown): string[] | undefined {
  const nodes = isSeq(value) ? value.items : [value]
  const texts: string[] = []
  for (const node of nodes) {
    // A null is a key without a value, most likely a line that somebody forgot to fill in.
    if (!isScalar(node) || node.value === null) return undefined
    texts.push(typeof node.value === 'string' ? node.value : (node.source ?? String(node.value)))
  }
  return texts
}
