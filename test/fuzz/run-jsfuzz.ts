import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { corpusDirectory } from './corpus.js'
import type { FuzzTargetName } from './fuzz-target.js'

const JSFUZZ = createRequire(import.meta.url).resolve('jsfuzz')
const WORKER = fileURLToPath(new URL('./jsfuzz-worker.js', import.meta.url))
/** An input that takes longer is a finding. The first one has the modules loaded. */
const MAX_SECONDS_PER_INPUT = 30

interface JsfuzzRunOptions {
  readonly target: FuzzTargetName
  readonly seconds: number
  /** Sees what jsfuzz prints as it comes. */
  readonly onOutput?: (text: string) => void
}

interface JsfuzzResult {
  /** How many inputs were tried; 0 when the run did not come to its end. */
  readonly executions: number
  /** Statements, functions and branches of the packages that ran at least once. */
  readonly coverage: number
  /** The input that something did not hold for, or that took too long. */
  readonly finding: Buffer | undefined
  readonly output: string
}

/** Lets jsfuzz change the inputs of the target's corpus for a while. What it learns on the way is gone afterwards. */
export async function runJsfuzz(options: JsfuzzRunOptions): Promise<JsfuzzResult> {
  const directory = mkdtempSync(join(tmpdir(), 'fuzz-'))
  try {
    const learned = join(directory, 'learned')
    const finding = join(directory, 'finding')
    mkdirSync(learned)
    const flags = ['--exact-artifact-path', finding, '--timeout', String(MAX_SECONDS_PER_INPUT)]
    // Its way to invent text grows without bounds on JSON: gigabytes and tens of seconds for one input.
    const args = ['--versifier=false', ...flags]
    // jsfuzz takes the worker's path from where it runs, and leaves its coverage there.
    const where = [relative(directory, WORKER), learned, corpusDirectory(options.target)]
    const child = spawn(process.execPath, [JSFUZZ, ...where, ...args], {
      cwd: directory,
      env: { ...process.env, FUZZ_TARGET: options.target, FUZZ_SECONDS: String(options.seconds) },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child.stdout.on('data', (chunk: Buffer) => options.onOutput?.(chunk.toString()))
    const [output, log] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
    return {
      executions: Number(/^ended after (\d+) inputs$/m.exec(output)?.[1] ?? 0),
      coverage: Math.max(0, ...[...output.matchAll(/ cov: (\d+) /g)].map(([, count]) => Number(count))),
      finding: existsSync(finding) ? readFileSync(finding) : undefined,
      output: `${output}${log}`,
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}
