import { existsSync, readFileSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { importsOf } from './modules.js'
import { packageNames, sourceFiles } from './source-tree.js'

interface Manifest {
  readonly name?: string
  readonly bin?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly files?: readonly string[]
  readonly dependencies?: Readonly<Record<string, string>>
}

/** What is wrong with the packages' manifests and the files they promise. */
export function packageFaults(root: string): string[] {
  return packageNames(root).flatMap((name) => {
    const dir = join(root, 'packages', name)
    const manifest = readManifest(dir)
    return [
      ...(manifest.name === `@reversed-vpn/${name}`
        ? []
        : [`its name is ${manifest.name}, not that of its folder`]),
      ...(existsSync(join(dir, 'README.md')) ? [] : ['there is no README.md']),
      ...exportFaults(manifest),
      ...Object.values(manifest.bin ?? {}).flatMap((bin) => binFaults(dir, bin, manifest)),
    ].map((fault) => `packages/${name}: ${fault}`)
  })
}

/** Imports of packages that the importing package does not declare: they resolve here by luck and nowhere else. */
export function undeclaredImports(root: string): string[] {
  const declared = new Map(
    packageNames(root).map((name) => [name, readManifest(join(root, 'packages', name)).dependencies ?? {}]),
  )
  return sourceFiles(root)
    .flatMap(importsOf)
    .filter(({ specifier }) => !specifier.startsWith('.') && !isBuiltin(specifier))
    .filter(({ file, specifier }) => !(packageOf(specifier) in (declared.get(file.packageName) ?? {})))
    .map(({ file, specifier }) => `${file.path} imports ${specifier}, which its package.json does not name`)
}

function exportFaults({ exports = {} }: Manifest): string[] {
  const entries = Object.entries(exports)
  if (entries.length === 0) return ['`exports` is empty']
  return entries
    .filter(
      ([, entry]) => !(typeof entry === 'object' && entry !== null && 'types' in entry && 'default' in entry),
    )
    .map(([name]) => `'${name}' of \`exports\` has no types or no default`)
}

function binFaults(dir: string, bin: string, { files }: Manifest): string[] {
  const path = join(dir, bin)
  if (!existsSync(path)) return [`${bin} is not there`]
  const isExecutable = (statSync(path).mode & 0o111) === 0o111
  const isPacked = files?.includes(bin.split('/')[0] ?? '') === true
  return [
    ...(isExecutable ? [] : [`${bin} is not executable`]),
    ...(readFileSync(path, 'utf8').startsWith('#!/usr/bin/env ')
      ? []
      : [`${bin} has no #!/usr/bin/env line`]),
    ...(isPacked ? [] : [`${bin} is not in \`files\`, so it would not be published`]),
  ]
}

function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function readManifest(dir: string): Manifest {
  return JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'))
}
