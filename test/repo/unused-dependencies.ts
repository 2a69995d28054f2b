import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageNames } from './source-tree.js'

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>
  readonly bin?: string | Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/**
 * What a package.json declares and nothing uses. `dependencies` have to be named in the package's sources, `devDependencies` anywhere
 * below it, or by a script that runs their program; or they are a peer of one that is.
 */
export function unusedDependencies(root: string): string[] {
  const folders = ['.', 'test', 'bench', ...packageNames(root).map((name) => `packages/${name}`)]
  return folders.flatMap((folder) => unusedIn(root, folder))
}

function unusedIn(root: string, folder: string): string[] {
  const { scripts = {}, dependencies = {}, devDependencies = {} } = readManifest(join(root, folder))
  const commands = Object.values(scripts).join('\n')
  const everywhere = textBelow(join(root, folder))
  const sources = folder.startsWith('packages/') ? textBelow(join(root, folder, 'src')) : everywhere
  const isUsed = (name: string) =>
    isNamed(name, name in dependencies ? sources : everywhere) ||
    programsOf(root, name).some((program) => new RegExp(`(^|\\s)${program}(\\s|$)`, 'm').test(commands))
  const declared = Object.keys({ ...dependencies, ...devDependencies })
  const peers = declared
    .filter(isUsed)
    .flatMap((name) => Object.keys(installed(root, name).peerDependencies ?? {}))
  return declared
    .filter((name) => !isUsed(name) && !peers.includes(name))
    .map((name) => `${join(folder, 'package.json')} declares ${name}, which nothing there uses`)
}

/** Types are used where what they describe is. */
function isNamed(name: string, text: string): boolean {
  if (name === '@types/node') return text.includes("'node:")
  const described = name.replace(/^@types\//, '')
  return ["'", '/'].some((end) => text.includes(`'${described}${end}`))
}

function programsOf(root: string, name: string): string[] {
  const { bin = {} } = installed(root, name)
  return typeof bin === 'string' ? [name.replace(/^.*\//, '')] : Object.keys(bin)
}

function installed(root: string, name: string): Manifest {
  return readManifest(join(root, 'node_modules', name))
}

function readManifest(folder: string): Manifest {
  const path = join(folder, 'package.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {}
}

/** Of all programs below a folder. */
function textBelow(folder: string): string {
  if (!existsSync(folder)) return ''
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !/^(dist|dist-test|build|node_modules|\..*)$/.test(name))
    .map((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return textBelow(path)
      return /\.(ts|js|mjs)$/.test(entry.name) ? readFileSync(path, 'utf8') : ''
    })
    .join('\n')
}
