import { readFileSync } from 'node:fs'
import { describeCause, oneLine, UsageError } from '@reversed-vpn/daemon'
import { type Document, isScalar, parseAllDocuments, visit } from 'yaml'
import type { z } from 'zod'

/** The steps to a place in a document: `spec`, `networking`, `pods`, 0. */
export type InputPath = readonly PropertyKey[]

/** A document of a YAML file. Its errors name the file and the path within. */
export class InputFile {
  readonly file: string
  readonly #content: unknown

  constructor(file: string, content: unknown) {
    this.file = file
    this.#content = content
  }

  /**
   * The one document of a kind among those of a file, a lone one also if it has another kind or none, which its schema judges.
   * @param unwrap what other documents hold
   * @throws UsageError when the file cannot be read, is no YAML, or has no such document or several
   */
  static read(file: string, kind: string, unwrap = (document: unknown): unknown => document): InputFile {
    const documents = readDocuments(file).map(unwrap)
    const matching = documents.filter((document) => kindOf(document) === kind)
    const [found, ...others] = matching.length === 0 ? documents : matching
    if (found !== undefined && others.length === 0) return new InputFile(file, found)
    throw new UsageError(
      `${file}: ${documents.length} YAML documents, ${matching.length} of kind ${kind}, expected one`,
    )
  }

  /** The document as `schema` parses it. @throws UsageError naming the path of the first thing that does not fit */
  parse<Output>(schema: z.ZodType<Output>): Output {
    const parsed = schema.safeParse(this.#content)
    if (parsed.success) return parsed.data
    // A key that is misspelt is missing too, and the misspelling says more.
    const { issues } = parsed.error
    const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]
    const [unknown] = issue?.code === 'unrecognized_keys' ? issue.keys : []
    const path = [...(issue?.path ?? []), ...(unknown === undefined ? [] : [unknown])]
    throw this.error(path, issue?.message ?? 'not usable')
  }

  /** An error about what is at a path. */
  error(path: InputPath, problem: string): UsageError {
    return new UsageError(`${this.file}: ${formatPath(path)}: ${oneLine(problem)}`)
  }
}

/** The documents of a file; a list, as `kubectl get` prints it, counts as its items. @throws UsageError */
export function readDocuments(file: string): unknown[] {
  return parseDocuments(file, readText(file)).flatMap((document) => {
    const items: unknown = /List$/.test(kindOf(document) ?? '') ? Reflect.get(Object(document), 'items') : []
    return Array.isArray(items) && items.length > 0 ? items : [document]
  })
}

/** The kind of an object as Kubernetes has them. */
export function kindOf(document: unknown): string | undefined {
  const kind: unknown = Reflect.get(Object(document), 'kind')
  return typeof kind === 'string' ? kind : undefined
}

/** @throws UsageError when the file cannot be read */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file}: cannot be read: ${describeCause(error)}, expected a YAML file`, {
      cause: error,
    })
  }
}

/**
 * Numbers stay text as written, so that `1.30` is not 1.3. Empty documents are left out.
 *
 * @throws UsageError for what is not YAML
 */
export function parseDocuments(file: string, text: string): unknown[] {
  const documents = parseAllDocuments(text, { prettyErrors: true })
  return (Array.isArray(documents) ? documents : [])
    .map((document) => toPlain(file, document))
    .filter((document) => document !== null)
}

function toPlain(file: string, document: Document.Parsed): unknown {
  const [problem] = [...document.errors, ...document.warnings]
  if (problem !== undefined) throw new UsageError(`${file}: ${oneLine(problem.message)}`, { cause: problem })
  visit(document, {
    Pair(_, { value }) {
      keepAsWritten(value)
    },
    Seq(_, { items }) {
      items.forEach(keepAsWritten)
    },
  })
  try {
    return document.toJS()
  } catch (error) {
    throw new UsageError(`${file}: ${describeCause(error)}`, { cause: error })
  }
}

function keepAsWritten(node: unknown): void {
  if (isScalar(node) && typeof node.value === 'number') node.value = node.source ?? String(node.value)
}

/** A path as text: `spec.networking.pods[0]`. */
export function formatPath(path: InputPath): string {
  const steps = path.map((step) => {
    if (typeof step === 'number') return `[${step}]`
    return /^[\w-]+$/.test(String(step)) ? `.${String(step)}` : `[${JSON.stringify(String(step))}]`
  })
  return steps.join('').replace(/^\./, '') || 'the document'
}
