import { readFileSync } from 'node:fs'
import { describeCause, oneLine, UsageError } from '@reversed-vpn/daemon'
import { type Document, isScalar, parseAllDocuments, visit } from 'yaml'
import type { z } from 'zod'

/** The steps to a place in a document: `spec`, `networking`, `pods`, 0. */
export type InputPath = readonly PropertyKey[]

/** A YAML file with one document. Its errors name the file and the path within. */
export class InputFile {
  readonly file: string
  readonly #content: unknown

  private constructor(file: string, content: unknown) {
    this.file = file
    this.#content = content
  }

  /** @throws UsageError when the file cannot be read, or is not exactly one YAML document */
  static read(file: string): InputFile {
    return new InputFile(file, parseOneDocument(file, readText(file)))
  }

  /** The document as `schema` parses it. @throws UsageError naming the path of the first thing that does not fit */
  parse<Output>(schema: z.ZodType<Output>): Output {
    const parsed = schema.safeParse(this.#content)
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw this.error(issue?.path ?? [], issue?.message ?? 'not usable')
  }

  /** An error about what is at a path. */
  error(path: InputPath, problem: string): UsageError {
    return new UsageError(`${this.file}: ${formatPath(path)}: ${oneLine(problem)}`)
  }
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

/** Numbers stay text as written, so that `1.30` is not 1.3. @throws UsageError for text that is not YAML */
export function parseDocuments(file: string, text: string): unknown[] {
  const documents = parseAllDocuments(text, { prettyErrors: true })
  return (Array.isArray(documents) ? documents : []).map((document) => toPlain(file, document))
}

function parseOneDocument(file: string, text: string): unknown {
  const documents = parseDocuments(file, text)
  if (documents.length !== 1)
    throw new UsageError(`${file}: ${documents.length} YAML documents, expected one`)
  return documents[0]
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
