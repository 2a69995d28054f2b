import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

export interface CachedFile {
  readonly path: string
  /** Of everything that the file is made from. */
  readonly key: string
  /** Writes the file. */
  make(path: string): Promise<void>
}

/** Makes a file unless it is there and was made from the same. @returns seconds it took, undefined when it was there */
export async function ensureFile({ path, key, make }: CachedFile): Promise<number | undefined> {
  const keyFile = `${path}.key`
  if (await isMade(path, key)) return undefined
  const start = performance.now()
  await mkdir(dirname(path), { recursive: true })
  await rm(keyFile, { force: true })
  const unfinished = `${path}.new`
  await rm(unfinished, { force: true })
  await make(unfinished)
  await rename(unfinished, path)
  await writeFile(keyFile, key)
  return (performance.now() - start) / 1000
}

/** Whether a file is there and was made from the same. */
export async function isMade(path: string, key: string): Promise<boolean> {
  return (await readIfThere(`${path}.key`)) === key
}

/** The key that a file was made with. @throws Error when nobody has made it */
export async function keyOf(path: string): Promise<string> {
  return await readFile(`${path}.key`, 'utf8')
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch {
    return undefined
  }
}
