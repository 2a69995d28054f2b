import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mustRunCommand } from '@reversed-vpn/test/lab'

const TAR_DEADLINE_MS = 300_000
/** The same files make the same archive. */
const SAME_BYTES = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--format=gnu']
const ARCHITECTURE = process.arch === 'x64' ? 'amd64' : process.arch

export interface ImageConfig {
  readonly Entrypoint?: readonly string[]
  readonly Cmd?: readonly string[]
  readonly Env?: readonly string[]
  readonly User?: string
}

/**
 * Writes an image of one layer as `docker save` would, which `ctr images import` takes.
 *
 * @param tag with its registry, such as docker.io/library/busybox:1
 * @param fill puts the files of the image into a folder, which is empty
 */
export async function writeDockerArchive(
  path: string,
  tag: string,
  config: ImageConfig,
  fill: (root: string) => Promise<void>,
): Promise<void> {
  const work = await mkdtemp(join(dirname(path), '.work-'))
  try {
    const root = join(work, 'root')
    await mkdir(root)
    await fill(root)
    await tar(join(work, 'layer.tar'), root, '.')
    const layer = await sha256Of(join(work, 'layer.tar'))
    const image = JSON.stringify({
      architecture: ARCHITECTURE,
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: [`sha256:${layer}`] },
      history: [{ created: new Date(0).toISOString() }],
    })
    const imageFile = `${createHash('sha256').update(image).digest('hex')}.json`
    const manifest = [{ Config: imageFile, RepoTags: [tag], Layers: ['layer.tar'] }]
    await writeFile(join(work, imageFile), image)
    await writeFile(join(work, 'manifest.json'), JSON.stringify(manifest))
    await tar(path, work, 'manifest.json', imageFile, 'layer.tar')
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function tar(path: string, dir: string, ...names: readonly string[]): Promise<void> {
  await mustRunCommand('tar', [...SAME_BYTES, '-cf', path, '-C', dir, ...names], {
    deadlineMs: TAR_DEADLINE_MS,
  })
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk)
  return hash.digest('hex')
}
