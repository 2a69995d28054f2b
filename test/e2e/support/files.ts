import { createHash, randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host, Lab } from '@reversed-vpn/test/lab'

/** A file of noise and what it has to hash to. */
export interface NoiseFile {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

export async function writeNoise(path: string, bytes: number): Promise<NoiseFile> {
  const noise = randomBytes(bytes)
  await writeFile(path, noise)
  return { path, bytes, sha256: createHash('sha256').update(noise).digest('hex') }
}

export async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

/** A file that the host's nginx on port 80 serves under `/NAME`. */
export function publishNoise(lab: Lab, host: Host, name: string, bytes: number): Promise<NoiseFile> {
  return writeNoise(join(lab.dir, `nginx-${host.name}-80`, 'www', name), bytes)
}
