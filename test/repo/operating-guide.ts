import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from './source-tree.js'

export function readOperatingGuide(): string {
  return readFileSync(join(REPOSITORY, 'docs', 'operating.md'), 'utf8')
}

/** What the headings are called in a link. */
export function headingAnchors(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}

/** Every link to a heading of the same page or to a file of the repository, as it stands there. */
export function localLinks(markdown: string): string[] {
  return [...withoutCode(markdown).matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, target = '']) =>
    /^\w+:/.test(target) ? [] : [target],
  )
}

/**
 * The words in the first column of the table behind `<!-- name -->`, in their order.
 * @throws Error when there is no such table
 */
export function firstColumn(markdown: string, name: string): string[] {
  return tableRows(markdown, name).flatMap(([first = '']) => codeWords(first))
}

/** The cells of the rows of the table behind `<!-- name -->`. @throws Error when there is no such table */
export function tableRows(markdown: string, name: string): string[][] {
  const [, table] = markdown.split(`<!-- ${name} -->\n`)
  const rows = /^\s*((?:\|.*\n)+)/
    .exec(table ?? '')?.[1]
    ?.trimEnd()
    .split('\n')
    .slice(2)
  if (rows === undefined) throw new Error(`docs/operating.md has no table behind <!-- ${name} -->`)
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )
}

/** What stands in backticks. */
export function codeWords(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word)
}

/** The blocks of commands, one string each. */
export function codeBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^ *```\w*\n([\s\S]*?)^ *```$/gm)].map(([, code = '']) => code)
}

/** The text without its blocks of commands. */
export function withoutCode(markdown: string): string {
  return markdown.replaceAll(/^ *```[\s\S]*?^ *```$/gm, '')
}
