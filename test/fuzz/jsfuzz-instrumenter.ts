import { createRequire } from 'node:module'

/** What of istanbul-lib-instrument is used here. */
interface Instrumenter {
  instrumentSync(code: string, file: string): string
}

/** The instrumenter that jsfuzz has: what it counts must be what jsfuzz adds up. */
export function createJsfuzzInstrumenter(options: object): Instrumenter {
  const requireAsJsfuzz = createRequire(createRequire(import.meta.url).resolve('jsfuzz'))
  return requireAsJsfuzz('istanbul-lib-instrument').createInstrumenter(options)
}

/**
 * Has jsfuzz count nothing more of what is required: dependencies of the packages, none of which guide the search, at seconds for
 * their start and an addition for each of their lines after every input.
 */
export function stopJsfuzzInstrumenting(): void {
  const everyInstrumenter: Instrumenter = Object.getPrototypeOf(createJsfuzzInstrumenter({}))
  everyInstrumenter.instrumentSync = (code) => code
}
