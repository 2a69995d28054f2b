import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRunCommand, runCommand } from '@reversed-vpn/test/lab'
import { BenchError } from '../measure/bench-error.js'
import { log } from '../measure/progress.js'
import { REPOSITORY } from '../peers/stage.js'

const BUILD_DEADLINE_MS = 600_000

/** A commit or this tree, built. */
export interface Checkout extends AsyncDisposable {
  readonly dir: string
  /** The heading of its column. */
  readonly title: string
}

/** The tree of this program, as it is built now. */
export function thisTree(): Checkout {
  return { dir: REPOSITORY, title: 'this tree', [Symbol.asyncDispose]: async () => {} }
}

/**
 * Builds a commit in a worktree of its own, with its own modules. Disposal removes it.
 * @throws BenchError ERR_BENCH_USAGE if there is no such commit, LabError if it does not build
 */
export async function checkOut(commit: string): Promise<Checkout> {
  const { code, stdout } = await git('rev-parse', '--verify', '--short', `${commit}^{commit}`)
  if (code !== 0) throw new BenchError('ERR_BENCH_USAGE', `compare "${commit}": no commit of this repository`)
  const short = stdout.trim()
  // A killed run leaves its worktree behind.
  await git('worktree', 'prune')
  const parent = await mkdtemp(join(tmpdir(), 'reversed-vpn-compare-'))
  const dir = join(parent, short)
  const remove = async () => {
    await git('worktree', 'remove', '--force', dir)
    await rm(parent, { recursive: true, force: true })
  }
  try {
    log(`building ${short}`)
    await mustRunCommand('git', ['-C', REPOSITORY, 'worktree', 'add', '--quiet', '--detach', dir, short])
    const prepare = join(dir, 'scripts', 'prepare.mjs')
    await mustRunCommand(process.execPath, [prepare, 'lab'], { cwd: dir, deadlineMs: BUILD_DEADLINE_MS })
  } catch (error) {
    await remove()
    throw error
  }
  const title = short === commit ? short : `${commit} (${short})`
  return { dir, title, [Symbol.asyncDispose]: remove }
}

function git(...args: string[]) {
  return runCommand('git', ['-C', REPOSITORY, ...args])
}
