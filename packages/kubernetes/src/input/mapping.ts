import { findMisspelt } from '@reversed-vpn/daemon'
import { z } from 'zod'

const MAX_SHOWN_LENGTH = 60

/** What is said about a value that does not fit: the value, or that there is none, and what is expected. */
export function expecting(expected: string) {
  return {
    error: ({ input }: { readonly input: unknown }) => {
      if (input == null) return `is not given, expected ${expected}`
      const shown = JSON.stringify(input)
      return `${shown.length > MAX_SHOWN_LENGTH ? `${shown.slice(0, MAX_SHOWN_LENGTH)}…` : shown}, expected ${expected}`
    },
  }
}

/** Text that fits a pattern. Numbers count as text, see `parseDocuments`. */
export function textLike(pattern: RegExp, expected: string) {
  return z.string(expecting(expected)).regex(pattern, expecting(expected))
}

/** A mapping that has these keys and no others. */
export function mapping<const Shape extends z.ZodRawShape>(shape: Shape) {
  const keys = Object.keys(shape)
  return z.strictObject(shape, {
    error: (issue) => {
      if (issue.code !== 'unrecognized_keys')
        return expecting(`a mapping with ${keys.join(', ')}`).error({ input: issue.input })
      const meant = findMisspelt(issue.keys[0] ?? '', keys)
      return `unknown key, expected ${meant ?? `one of ${keys.join(', ')}`}`
    },
  })
}
