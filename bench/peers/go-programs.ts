import { join } from 'node:path'
import { ensurePeers, isBuilt, MissingPiece, PROGRAMS_DIR } from '@reversed-vpn/test/kubernetes/binaries'
import { log } from '../measure/progress.js'
import type { Peer } from './peer.js'

/** Minutes of building are no part of a smoke run. */
const SLOW_TO_BUILD: readonly string[] = ['proxy-server', 'proxy-agent']

export interface LeftOut {
  readonly peer: string
  readonly reason: string
}

/** The path of a program that `buildPrograms` has built. */
export function goProgram(name: string): string {
  return join(PROGRAMS_DIR, name)
}

/**
 * Builds the programs of peers that are built from their sources, which takes minutes the first time. Says in one line which peers
 * are left out because that is not possible.
 * @param isQuick takes what is built already, and builds only what takes seconds
 */
export async function buildPrograms(peers: readonly Peer[], isQuick: boolean): Promise<LeftOut[]> {
  const leftOut: LeftOut[] = []
  for (const { name: peer, programs = [] } of peers) {
    const reason = await build(programs, isQuick)
    if (reason === undefined) continue
    log(`bench: ${peer} is left out: ${reason}`)
    leftOut.push({ peer, reason })
  }
  return leftOut
}

export function withoutLeftOut(peers: readonly Peer[], leftOut: readonly LeftOut[] = []): Peer[] {
  return peers.filter(({ name }) => !leftOut.some(({ peer }) => peer === name))
}

async function build(programs: readonly string[], isQuick: boolean): Promise<string | undefined> {
  try {
    for (const name of programs) {
      if (isQuick && SLOW_TO_BUILD.includes(name) && !(await isBuilt(name))) {
        return `${name} is not built yet, and a smoke run does not take minutes for that`
      }
    }
    if (programs.length > 0) await ensurePeers(programs, log)
    return undefined
  } catch (error) {
    if (error instanceof MissingPiece) return error.message
    throw error
  }
}
