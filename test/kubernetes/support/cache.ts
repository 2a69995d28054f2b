import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const REPOSITORY = fileURLToPath(new URL('../../../../', import.meta.url))
/** What takes minutes to make and stays from run to run; git ignores it. */
export const CACHE = join(REPOSITORY, '.prepared', 'kubernetes')

/** Tells what is being done: one line, without its end. */
export type Say = (line: string) => void

/** Something of this machine is missing that can't be brought: one line. */
export class MissingPiece extends Error {}
