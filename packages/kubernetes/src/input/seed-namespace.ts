import type { UsageError } from '@reversed-vpn/daemon'
import type { InputPath } from './input-file.js'

const MAX_NAMESPACE_LENGTH = 63
const SEED_NAMESPACE_PREFIX = 'shoot--'
const PROJECT_NAMESPACE_PREFIX = 'garden-'

/**
 * The namespace in the seed: what the shoot's status says, else made as Gardener does, `shoot--PROJECT--NAME`. A shoot whose own
 * namespace is of that form already stays there.
 *
 * @throws UsageError when the name comes out longer than a namespace may be
 */
export function readSeedNamespace(
  file: { error(path: InputPath, problem: string): UsageError },
  { name, namespace }: { readonly name: string; readonly namespace: string },
  technicalId: string | undefined,
): string {
  if (technicalId !== undefined) return technicalId
  if (namespace.startsWith(SEED_NAMESPACE_PREFIX)) return namespace
  const project = namespace.startsWith(PROJECT_NAMESPACE_PREFIX)
    ? namespace.slice(PROJECT_NAMESPACE_PREFIX.length)
    : namespace
  const made = `${SEED_NAMESPACE_PREFIX}${project}--${name}`
  if (made.length <= MAX_NAMESPACE_LENGTH) return made
  const problem = `its namespace in the seed would be ${made}, ${made.length} letters, expected at most ${MAX_NAMESPACE_LENGTH}`
  throw file.error(['metadata', 'name'], problem)
}
