import type { InitializeHook, LoadHook } from 'node:module'
import { createJsfuzzInstrumenter } from './jsfuzz-instrumenter.js'

/**
 * Module hooks that have what some modules run counted in `__coverage__`, where jsfuzz looks. It counts itself what is required,
 * which an ECMAScript module is not.
 */

const instrumenter = createJsfuzzInstrumenter({ esModules: true, compact: true })
let covered: RegExp

/** @param modules whose lines are counted, by their URLs */
export const initialize: InitializeHook<RegExp> = async (modules) => {
  covered = modules
}

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context)
  if (loaded.format !== 'module' || !covered.test(url) || loaded.source == null) return loaded
  const code = typeof loaded.source === 'string' ? loaded.source : Buffer.from(loaded.source as ArrayBuffer)
  return { ...loaded, source: instrumenter.instrumentSync(code.toString(), new URL(url).pathname) }
}
