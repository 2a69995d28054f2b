import { readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { mustRunCommand } from '@reversed-vpn/test/lab'
import { ImageTools, prepareStorage } from '../../full/support/containers/image-tools.js'
import { buildImage, HERE, importBase } from '../../full/support/containers/images.js'
import { REPOSITORY } from '../support/cache.js'
import type { CachedFile } from '../support/cached-file.js'

const DAEMONS = ['seed-server', 'shoot-client', 'sni-gateway'] as const
/** What the Containerfile copies; .containerignore takes from it what is made by a build. */
const SOURCES = [
  ...['package.json', 'package-lock.json', '.npmrc', 'tsconfig.base.json'],
  ...['bench/package.json', 'test/package.json', 'packages', 'deploy/images', '.containerignore'],
]
const HASH_SOURCES =
  'tar --exclude-from=.containerignore --sort=name --mtime=@0 --mode=a=rX --owner=0 --group=0 --numeric-owner -cf - "$@" | sha256sum'

/** The images of our daemons, all in one archive, as the manual of deploy/images builds them. */
export async function ownImages(folder: string): Promise<CachedFile> {
  const key = await mustRunCommand('sh', ['-c', HASH_SOURCES, 'sh', ...SOURCES], { cwd: REPOSITORY })
  return { path: join(folder, 'reversed-vpn.tar'), key: key.stdout, make }
}

async function make(path: string): Promise<void> {
  const storage = join(dirname(path), '.storage')
  await rm(storage, { recursive: true, force: true })
  try {
    const tools = new ImageTools(await prepareStorage(storage))
    await importBase(tools, HERE)
    const { version } = JSON.parse(
      await readFile(join(REPOSITORY, 'packages', 'kubernetes', 'package.json'), 'utf8'),
    )
    // As a kubelet reads the names that `reversed-vpn render` has for them.
    const tags = DAEMONS.map((daemon) => `docker.io/reversed-vpn/${daemon}:${version}`)
    for (const [n, daemon] of DAEMONS.entries()) await buildImage(tools, daemon, tags[n] ?? '', HERE)
    await tools.make('podman', [
      'save',
      '--format',
      'docker-archive',
      '--multi-image-archive',
      '-o',
      path,
      ...tags,
    ])
  } finally {
    await rm(storage, { recursive: true, force: true })
  }
}
