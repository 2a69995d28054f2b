import { dirname, join, normalize } from 'node:path'
import type { SourceFile } from './source-tree.js'

interface Import {
  readonly file: SourceFile
  readonly specifier: string
  /** As the other file calls them. `*` stands for all: `import * as a`, `export *`, `await import()`. */
  readonly names: readonly string[]
  /** What the file calls them that exports them again; none of an `import`. */
  readonly exported: readonly string[]
}

/** An import of a file of this repository. */
export interface Edge extends Omit<Import, 'file' | 'specifier'> {
  readonly from: string
  readonly to: string
}

const STATEMENT =
  /^(import|export)\s+(?:type\s+)?(?:(\w+)\s*,?\s*)?(?:\{([^}]*)\}|(\*)(?:\s+as\s+\w+)?)?\s*(?:from\s+)?['"]([^'"]+)['"]/gm
const CALL = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g
const DECLARATION =
  /^export\s+(?:async\s+|abstract\s+)*(?:function\*?|class|const|let|interface|type)\s+(?:(\w+)|\[([^\]]+)\])/gm
const OWN_NAMES = /^export\s+(?:type\s+)?\{([^}]*)\}(?!\s*from)/gm

/** What a file imports, or exports again; types and dynamic imports included. */
export function importsOf(file: SourceFile): Import[] {
  const statements = [...file.code.matchAll(STATEMENT)].map(
    ([, verb, whole, list = '', star, specifier = '']) => {
      const ahead = [...(whole === undefined ? [] : ['default']), ...(star === undefined ? [] : ['*'])]
      const exported = verb === 'import' ? [] : [...ahead, ...namesIn(list, -1)]
      return { file, specifier, names: [...ahead, ...namesIn(list, 0)], exported }
    },
  )
  const calls = [...file.code.matchAll(CALL)].map(([, specifier = '']) => {
    return { file, specifier, names: ['*'], exported: [] }
  })
  return [...statements, ...calls]
}

/** What a file exports of its own. */
export function exportsOf({ code }: SourceFile): string[] {
  return [
    ...[...code.matchAll(DECLARATION)].flatMap(([, name, tuple = '']) => name ?? namesIn(tuple, 0)),
    ...[...code.matchAll(OWN_NAMES)].flatMap(([, list = '']) => namesIn(list, -1)),
  ]
}

/** The imports between those files; a package's entry stands for its name. */
export function importEdges(files: readonly SourceFile[]): Edge[] {
  const paths = new Set(files.map(({ path }) => path))
  return files.flatMap(importsOf).flatMap(({ file, specifier, names, exported }) => {
    const to = specifier.startsWith('.')
      ? normalize(join(dirname(file.path), specifier)).replace(/\.js$/, '.ts')
      : entryOf(specifier)
    return to !== undefined && paths.has(to) ? [{ from: file.path, to, names, exported }] : []
  })
}

/** `@reversed-vpn/a/b` is `packages/a/src/b.ts`; entries of the tests are folders. */
function entryOf(specifier: string): string | undefined {
  const [, name, entry = 'index'] = /^@reversed-vpn\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? []
  if (name === undefined) return undefined
  return name === 'test' ? `test/${entry}/index.ts` : `packages/${name}/src/${entry}.ts`
}

/** The first (0) or the last (-1) name of each in `a, type b as c`. */
function namesIn(list: string, which: 0 | -1): string[] {
  return list.split(',').flatMap((text) => {
    const name = text
      .trim()
      .replace(/^type\s+/, '')
      .split(/\s+as\s+/)
      .at(which)
    return name ? [name] : []
  })
}
