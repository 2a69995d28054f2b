// `npm run fuzz -- corpus` writes the corpus anew; `npm run fuzz -- TARGET SECONDS` fuzzes; `npm run fuzz -- TARGET FILE` tries one input.
import { readFileSync, writeFileSync } from 'node:fs'
import { writeSeeds } from './corpus.js'
import { FUZZ_TARGET_NAMES, type FuzzTargetName, isFuzzTargetName, loadFuzzTarget } from './fuzz-target.js'
import { runJsfuzz } from './run-jsfuzz.js'

async function main([name, what = '60']: readonly string[]): Promise<number> {
  if (name === 'corpus') {
    for (const each of FUZZ_TARGET_NAMES) console.log(`${each}: ${await writeSeeds(each)} files`)
    return 0
  }
  if (!isFuzzTargetName(name)) {
    console.error(
      `fuzz: which target? corpus, or one of ${FUZZ_TARGET_NAMES.join(', ')}; not ${name ?? 'none'}`,
    )
    return 2
  }
  return /^\d+$/.test(what) ? search(name, Number(what)) : tryInput(name, what)
}

async function search(target: FuzzTargetName, seconds: number): Promise<number> {
  const onOutput = (text: string) => process.stdout.write(text)
  const { executions, finding } = await runJsfuzz({ target, seconds, onOutput })
  if (finding === undefined) return executions > 0 ? 0 : 1
  const file = `${target}.finding`
  writeFileSync(file, finding)
  console.error(`fuzz: written to ${file}`)
  return 1
}

async function tryInput(target: FuzzTargetName, file: string): Promise<number> {
  const { fuzz } = await loadFuzzTarget(target)
  await fuzz(readFileSync(file))
  console.log(`${target} takes ${file}`)
  return 0
}

process.exitCode = await main(process.argv.slice(2))
