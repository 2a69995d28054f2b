import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of this repository, from where this file is compiled to. */
export const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

export interface SourceFile {
  /** The folder below `packages/`. */
  readonly packageName: string
  /** Below the root, with slashes. */
  readonly path: string
  /** Without comments. */
  readonly code: string
}

export interface Import {
  readonly file: SourceFile
  readonly specifier: string
}

export function packageNames(root: string): string[] {
  return readdirSync(join(root, 'packages'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(root, 'packages', entry.name, 'package.json')))
    .map((entry) => entry.name)
    .sort()
}

/** The sources of every package, tests left out. */
export function sourceFiles(root: string): SourceFile[] {
  return packageNames(root).flatMap((packageName) => {
    const dir = join(root, 'packages', packageName, 'src')
    if (!existsSync(dir)) return []
    return readdirSync(dir, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => {
        const path = join(dir, name)
        return { packageName, path: relative(root, path), code: withoutComments(readFileSync(path, 'utf8')) }
      })
  })
}

/** What a file imports, types and dynamic imports included. */
export function importsOf(file: SourceFile): Import[] {
  const statement = /^(?:import|export)\s(?:[^'";=]*?\sfrom\s+|)['"]([^'"]+)['"]/gm
  const call = /\b(?:import|require)\(\s*['"]([^'"]+)['"]/g
  return [...file.code.matchAll(statement), ...file.code.matchAll(call)].map(([, specifier = '']) => {
    return { file, specifier }
  })
}

function withoutComments(code: string): string {
  return code.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|\s)\/\/.*$/gm, '$1')
}
