import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { codeWords, headingAnchors, localLinks, withoutCode } from './operating-guide.js'
import { packageNames } from './source-tree.js'

/** Files of the repository, not of a machine or of a reader. Headers of Linux end in `.h`. */
const REPOSITORY_PATH = /^[\w.*-]+(?:\/[\w.*-]+)+\.(?:ts|mjs|cjs|js|c|sh|md|ya?ml|json|svg)$/
const PACKAGE_FILE = /^[\w.*-]+\.(?:ts|c|h)$/

/** The documents that lead a reader through the repository, below its root. The changelog names what was. */
export function guidingDocuments(root: string): string[] {
  const below = (dir: string) =>
    (existsSync(join(root, dir)) ? readdirSync(join(root, dir), { recursive: true, encoding: 'utf8' }) : [])
      .filter((name) => name.endsWith('.md') && !name.includes('node_modules'))
      .map((name) => join(dir, name))
  const atRoot = readdirSync(root).filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md')
  const ofPackages = packageNames(root).flatMap((name) => [
    join('packages', name, 'README.md'),
    join('packages', name, 'SPEC.md'),
  ])
  return [...atRoot, ...below('docs'), ...below('deploy'), ...ofPackages]
    .filter((path) => existsSync(join(root, path)))
    .sort()
}

/** Links that lead nowhere, and paths in backticks that do not exist: one line each. */
export function brokenReferences(root: string, document: string): string[] {
  const text = readFileSync(join(root, document), 'utf8')
  return [
    ...localLinks(text).flatMap((link) => faultOfLink(root, document, link)),
    ...codeWords(withoutCode(text))
      .filter((word) => REPOSITORY_PATH.test(word) && !isThere(root, document, word))
      .map((word) => `${document}: \`${word}\` does not exist`),
    ...filesInTables(root, document, text),
  ]
}

/** The tables of a package's README name its files without a folder. */
function filesInTables(root: string, document: string, text: string): string[] {
  if (!document.startsWith('packages/')) return []
  const dir = join(root, dirname(document))
  const names = ['src', 'native'].filter((name) => existsSync(join(dir, name)))
  const files = names.flatMap((name) => readdirSync(join(dir, name), { recursive: true, encoding: 'utf8' }))
  const rows = withoutCode(text).match(/^\|.*$/gm) ?? []
  return rows
    .flatMap(codeWords)
    .filter((word) => PACKAGE_FILE.test(word) && !files.some((file) => matches(basename(file), word)))
    .map((word) => `${document}: \`${word}\` is no file of the package`)
}

function faultOfLink(root: string, document: string, link: string): string[] {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? join(root, document) : join(root, dirname(document), path)
  if (!existsSync(target)) return [`${document}: the link ${link} leads nowhere`]
  if (anchor === undefined) return []
  const page = statSync(target).isDirectory() ? join(target, 'README.md') : target
  const hasHeading = existsSync(page) && headingAnchors(readFileSync(page, 'utf8')).includes(anchor)
  return hasHeading ? [] : [`${document}: no heading for the link ${link}`]
}

/** As seen from the root, from `packages/`, or from the document. */
function isThere(root: string, document: string, path: string): boolean {
  return [root, join(root, 'packages'), join(root, dirname(document))].some((base) => {
    const dir = join(base, dirname(path))
    return existsSync(dir) && readdirSync(dir).some((name) => matches(name, basename(path)))
  })
}

/** `*` stands for any part of a name. */
function matches(name: string, pattern: string): boolean {
  const [start = '', end] = pattern.split('*')
  return end === undefined ? name === pattern : name.startsWith(start) && name.endsWith(end)
}
