// What jsfuzz's worker requires, with FUZZ_TARGET and FUZZ_SECONDS set: loads the target with its coverage counted, and ends the
// run, which jsfuzz itself never does.
import { register } from 'node:module'
import { type FuzzTarget, isFuzzTargetName, loadFuzzTarget, modulesCoveredBy } from './fuzz-target.js'
import { stopJsfuzzInstrumenting } from './jsfuzz-instrumenter.js'

const { FUZZ_TARGET, FUZZ_SECONDS } = process.env
let target: FuzzTarget | undefined
let endsAtMs = 0
let executions = 0
let stray: unknown

// An error in an event handler would end the worker without a word of the input that caused it.
process.on('uncaughtException', (error) => {
  stray ??= error
})

export async function fuzz(input: Buffer): Promise<void> {
  if (target === undefined) {
    target = await load(FUZZ_TARGET)
    endsAtMs = performance.now() + Number(FUZZ_SECONDS) * 1000
  }
  await target.fuzz(input)
  if (stray !== undefined) throw stray
  executions++
  if (performance.now() < endsAtMs) return
  console.log(`ended after ${executions} inputs`)
  process.exit(0)
}

function load(name: string | undefined): Promise<FuzzTarget> {
  if (!isFuzzTargetName(name)) throw new Error(`no fuzz target ${name}`)
  stopJsfuzzInstrumenting()
  register('./instrumenting-hooks.js', import.meta.url, { data: modulesCoveredBy(name) })
  return loadFuzzTarget(name)
}
