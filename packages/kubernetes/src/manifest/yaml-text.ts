import { stringify } from 'yaml'
import type { RenderedFile, Value } from './manifest.js'

/** The first line of every file that is written. */
export const FIRST_LINE_START = '# Rendered by reversed-vpn'

/** A value as YAML: keys in the order they were made, no line folded, nothing written as a reference to something else. */
export function toYaml(value: Value): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })
}

/** A manifest as the text of its file. */
export function toFileText({ path, manifest }: RenderedFile): string {
  return `${FIRST_LINE_START}: ${path}\n${toYaml(manifest)}`
}

/** All manifests as one stream. */
export function toStream(files: readonly RenderedFile[]): string {
  return files.map((file) => `---\n${toFileText(file)}`).join('')
}
