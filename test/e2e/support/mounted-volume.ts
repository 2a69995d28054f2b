import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Files by name: text, or several files one behind the other. */
export type VolumeFiles = Readonly<Record<string, string | readonly string[]>>

/**
 * A directory as kubelet mounts a Secret or ConfigMap: `NAME` is a link to `..data/NAME`, `..data` one to the directory of this
 * version, and a new version takes its place by renaming a link.
 */
export class MountedVolume {
  readonly dir: string
  #version = 0

  /** @param parent goes with the test */
  static async create(parent: string, name: string, files: VolumeFiles): Promise<MountedVolume> {
    const volume = new MountedVolume(join(parent, name))
    await mkdir(volume.dir)
    await volume.swap(files)
    for (const file of Object.keys(files)) await symlink(join('..data', file), volume.path(file))
    return volume
  }

  private constructor(dir: string) {
    this.dir = dir
  }

  path(file: string): string {
    return join(this.dir, file)
  }

  /** All files at once; those that are not named are gone. */
  async swap(files: VolumeFiles): Promise<void> {
    const before = `..version${this.#version}`
    const next = `..version${++this.#version}`
    await mkdir(join(this.dir, next))
    for (const [file, content] of Object.entries(files))
      await writeFile(join(this.dir, next, file), [content].flat().join('\n'))
    await symlink(next, join(this.dir, '..next'))
    await rename(join(this.dir, '..next'), join(this.dir, '..data'))
    await rm(join(this.dir, before), { recursive: true, force: true })
  }
}

/** The text of a file, for a volume. */
export function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8')
}
