import { dirname, join } from 'node:path'
import { exportsOf, importEdges } from './modules.js'
import { allFiles, type SourceFile } from './source-tree.js'

/** Whom an export is for, and which of the files are those. */
interface Audience {
  readonly who: string
  readonly includes: (path: string) => boolean
}

/** Files whose names are read by something that is no file of ours. */
const READ_BY_OTHERS: Readonly<Record<string, string>> = {
  'test/fuzz/instrumenting-hooks.ts': 'Node, which calls hooks of a module loader by name',
  'test/fuzz/jsfuzz-worker.ts': 'jsfuzz',
}

/**
 * Names that are exported for nobody. A file exports what another file imports; a package's entry what the sources of other packages
 * import, and its entry for tests what tests or the bench import.
 */
export function unusedExports(root: string): string[] {
  const files = allFiles(root)
  const edges = importEdges(files)
  const dynamic = files.flatMap(foldersImportedByName)
  return files
    .filter(({ path }) => !(path in READ_BY_OTHERS) && !dynamic.some((folder) => path.startsWith(folder)))
    .flatMap((file) => {
      const { who, includes } = audienceOf(file.path)
      const uses = edges.filter(({ from, to }) => to === file.path && includes(from))
      const used = new Set(uses.flatMap(({ names }) => names))
      if (used.has('*')) return []
      const passedOn = edges.filter(({ from }) => from === file.path).flatMap(({ exported }) => exported)
      return [...exportsOf(file), ...passedOn]
        .filter((name) => !used.has(name))
        .map((name) => `${file.path} exports ${name}, which no ${who} imports`)
    })
}

function audienceOf(path: string): Audience {
  if (path === 'test/lab/index.ts') {
    return { who: 'test outside the lab', includes: (from) => !from.startsWith('test/lab/') }
  }
  const [, own, entry] = /^(packages\/[^/]+\/src\/)(index|socket|testing)\.ts$/.exec(path) ?? []
  if (own === undefined) return { who: 'other file', includes: (from) => from !== path }
  const isSource = (from: string) => /^packages\/[^/]+\/src\//.test(from)
  if (entry === 'testing') return { who: 'test', includes: (from) => !isSource(from) }
  return { who: "other package's source", includes: (from) => isSource(from) && !from.startsWith(own) }
}

/** Of `import(`./folder/${name}.js`)`, the folder. */
function foldersImportedByName({ path, code }: SourceFile): string[] {
  return [...code.matchAll(/\bimport\(`(\.[^`$]*\/)\$\{/g)].map(([, folder = '']) =>
    join(dirname(path), folder),
  )
}
