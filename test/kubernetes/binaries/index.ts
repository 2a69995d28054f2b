import { join } from 'node:path'
import { LabError } from '../../lab/hosts/lab-error.js'
import { CACHE, MissingPiece, type Say } from '../support/cache.js'
import { ensureFile, isMade } from '../support/cached-file.js'
import { go, goVersion } from './go.js'
import { leastGo, type Program, readPrograms } from './modules.js'

export { MissingPiece }

/** Where every program is, once it is built. */
export const PROGRAMS_DIR = join(CACHE, 'bin')
/** What only the benchmarks start. */
const PEERS: readonly string[] = ['proxy-agent', 'proxy-server', 'wireguard-go']
const BENCH = 'the peer in npm run bench'

/**
 * Builds the programs of Kubernetes, and what goes with them, that are not built yet. One after the other: each build takes
 * all processors by itself.
 *
 * @returns the folder they are in
 * @throws MissingPiece without Go, or with one that is too old; LabError when something does not build
 */
export async function ensureBinaries(say: Say = () => {}): Promise<string> {
  const programs = await allPrograms('npm run test:kubernetes')
  for (const program of programs) if (!PEERS.includes(program.name)) await ensure(program, say)
  return PROGRAMS_DIR
}

/**
 * The same for peers of the benchmarks, which can do without them.
 *
 * @param names as they lie in `PROGRAMS_DIR`
 * @throws MissingPiece also when one does not build, as without a way to its sources
 */
export async function ensurePeers(names: readonly string[], say: Say): Promise<void> {
  const programs = await allPrograms(BENCH)
  for (const program of programs) {
    if (!names.includes(program.name)) continue
    await ensure(program, say).catch((cause) => {
      if (!(cause instanceof LabError)) throw cause
      const [, reason = cause.message] = cause.message.split('\n')
      throw new MissingPiece(`${program.name} does not build: ${reason}`, { cause })
    })
  }
}

/** Whether a peer's program is there as its module wants it. @throws MissingPiece without Go */
export async function isBuilt(name: string): Promise<boolean> {
  const program = (await allPrograms(BENCH)).find((one) => one.name === name)
  return program !== undefined && (await isMade(join(PROGRAMS_DIR, name), program.key))
}

async function allPrograms(command: string): Promise<Program[]> {
  return readPrograms(await goVersion(await leastGo(), command))
}

async function ensure({ name, dir, key, buildArgs }: Program, say: Say): Promise<void> {
  const make = async (path: string) => {
    await go(dir, ['build', '-o', path, ...buildArgs])
  }
  const seconds = await ensureFile({ path: join(PROGRAMS_DIR, name), key, make })
  if (seconds !== undefined) say(`built ${name} in ${seconds.toFixed(0)} s`)
}
