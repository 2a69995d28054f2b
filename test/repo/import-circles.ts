import { type Edge, importEdges } from './modules.js'
import { allFiles } from './source-tree.js'

/** From one entry of a folder to another, each a file or a folder, with a file that imports across. */
type Arrows = Map<string, Map<string, string>>

/**
 * Circles of imports, types included. Every folder is looked at as its reader sees it: each file in it is one thing, each folder
 * in it is one thing, and an arrow leads from one to the other when any file inside imports any file inside. Where those have an
 * order there is no circle of files either. Above them stand the packages' sources, their tests, `test` and `bench`.
 */
export function importCircles(root: string): string[] {
  const folders = new Map<string, Arrows>()
  for (const edge of importEdges(allFiles(root))) addArrow(folders, edge)
  return [...folders].flatMap(([folder, arrows]) =>
    circlesOf(arrows).map((circle) => describe(folder, circle, arrows)),
  )
}

function addArrow(folders: Map<string, Arrows>, { from, to }: Edge): void {
  const [ours, theirs] = [partsOf(from), partsOf(to)]
  const depth = ours.findIndex((part, index) => part !== theirs[index])
  if (depth < 0) return
  const folder = ours.slice(0, depth).join('/')
  const arrows = folders.get(folder) ?? new Map()
  folders.set(folder, arrows)
  const [source = '', target = ''] = [ours[depth], theirs[depth]]
  const targets = arrows.get(source) ?? new Map()
  arrows.set(source, targets.set(target, `${from} imports ${to}`))
}

/** `packages/a/src` is one part: a package's tests come after its sources, wherever the folders are. */
function partsOf(path: string): string[] {
  const [, unit = '', rest = ''] = /^(packages\/[^/]+\/[^/]+|[^/]+)\/(.*)$/.exec(path) ?? []
  return [unit, ...rest.split('/')]
}

/** The shortest circle through each name that is in one, each circle once. */
function circlesOf(arrows: Arrows): string[][] {
  const circles = new Map<string, string[]>()
  for (const name of [...arrows.keys()].sort()) {
    const circle = shortestCircle(arrows, name)
    const key = circle?.toSorted().join(' ') ?? ''
    if (circle !== undefined && !circles.has(key)) circles.set(key, circle)
  }
  return [...circles.values()]
}

function shortestCircle(arrows: Arrows, start: string): string[] | undefined {
  const paths = [[start]]
  const seen = new Set<string>()
  for (const path of paths) {
    for (const next of arrows.get(path.at(-1) ?? '')?.keys() ?? []) {
      if (next === start) return path
      if (!seen.has(next)) paths.push([...path, next])
      seen.add(next)
    }
  }
  return undefined
}

function describe(folder: string, circle: readonly string[], arrows: Arrows): string {
  const closed = [...circle, circle[0] ?? '']
  const reasons = circle.map((name, index) => arrows.get(name)?.get(closed[index + 1] ?? ''))
  return `${folder || 'the repository'}: ${closed.join(' -> ')} (${reasons.join('; ')})`
}
