import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of this repository, from where this file is compiled to. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

export interface SourceFile {
  /** The folder below `packages/`; `test` or `bench` for what is in none. */
  readonly packageName: string
  /** Below the root, with slashes. */
  readonly path: string
  /** Without comments. */
  readonly code: string
}

export function packageNames(root: string): string[] {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, 'packages', entry.name, 'package.json')))
    .map((entry) => entry.name)
    .sort()
}

/** The sources of every package, tests left out. */
export function sourceFiles(root: string): SourceFile[] {
  return packageNames(root).flatMap((name) => filesBelow(root, `packages/${name}/src`))
}

/** Every TypeScript file: sources, tests and bench. */
export function allFiles(root: string): SourceFile[] {
  const tests = packageNames(root).flatMap((name) => filesBelow(root, `packages/${name}/test`))
  return [...sourceFiles(root), ...tests, ...filesBelow(root, 'test'), ...filesBelow(root, 'bench')]
}

function filesBelow(root: string, folder: string): SourceFile[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.d)\.ts$/.test(name) && !/(^|\/)(dist|node_modules)\//.test(name))
    .map((name) => `${folder}/${name}`)
    .map((path) => {
      const packageName = path.split('/')[path.startsWith('packages/') ? 1 : 0] ?? ''
      return { packageName, path, code: withoutComments(readFileSync(join(root, path), 'utf8')) }
    })
}

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')
}
