import { createHash } from 'node:crypto'
import { chmod, cp, link, mkdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRunCommand } from '@reversed-vpn/test/lab'
import { type CachedFile, keyOf } from '../support/cached-file.js'
import { type ImageConfig, writeDockerArchive } from './docker-archive.js'

/** Debian's busybox-static. */
const BUSYBOX = '/bin/busybox'
const PATH = 'PATH=/usr/local/bin:/usr/bin:/bin'

interface StaticImage {
  readonly tag: string
  /** Folder in the image for each program of ensureBinaries. */
  readonly programs: Readonly<Record<string, string>>
  /** Whether a shell and its tools are there too. */
  readonly hasShell: boolean
  readonly config: ImageConfig
}

export const TOOLS_IMAGE = 'reversed-vpn.test/tools:v1'
export const CONTROL_PLANE_IMAGE = 'reversed-vpn.test/control-plane:v1'
export const METRICS_SERVER_IMAGE = 'reversed-vpn.test/metrics-server:v1'

const IMAGES: Readonly<Record<string, StaticImage>> = {
  tools: {
    tag: TOOLS_IMAGE,
    programs: { agnhost: '/' },
    hasShell: true,
    config: { Entrypoint: ['/agnhost'], Cmd: ['pause'], Env: [PATH] },
  },
  'control-plane': {
    tag: CONTROL_PLANE_IMAGE,
    programs: {
      etcd: '/usr/local/bin',
      'kube-apiserver': '/usr/local/bin',
      'kube-controller-manager': '/usr/local/bin',
      'kube-scheduler': '/usr/local/bin',
    },
    hasShell: false,
    config: { Env: [PATH], User: '65532:65532' },
  },
  'metrics-server': {
    tag: METRICS_SERVER_IMAGE,
    programs: { 'metrics-server': '/' },
    hasShell: false,
    config: { Entrypoint: ['/metrics-server'], User: '65532:65532' },
  },
}

/** Images of programs that need nothing beside themselves. @param binaries the folder of ensureBinaries */
export function staticImages(binaries: string, folder: string): Promise<CachedFile[]> {
  return Promise.all(
    Object.entries(IMAGES).map(async ([name, image]) => ({
      path: join(folder, `${name}.tar`),
      key: await keyOfImage(binaries, image),
      make: (path: string) =>
        writeDockerArchive(path, image.tag, image.config, (root) => fill(root, binaries, image)),
    })),
  )
}

async function keyOfImage(binaries: string, image: StaticImage): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(image))
  for (const name of Object.keys(image.programs)) hash.update(await keyOf(join(binaries, name)))
  if (image.hasShell) hash.update(await readFile(BUSYBOX))
  return hash.digest('hex')
}

async function fill(root: string, binaries: string, { programs, hasShell }: StaticImage): Promise<void> {
  await mkdir(join(root, 'tmp'))
  await chmod(join(root, 'tmp'), 0o1777)
  for (const [name, folder] of Object.entries(programs)) {
    await mkdir(join(root, folder), { recursive: true })
    await link(join(binaries, name), join(root, folder, name))
  }
  if (!hasShell) return
  await mkdir(join(root, 'bin'))
  await cp(BUSYBOX, join(root, 'bin', 'busybox'))
  const { stdout } = await mustRunCommand(BUSYBOX, ['--list'])
  for (const name of stdout.split('\n').filter((line) => line !== '' && line !== 'busybox')) {
    await symlink('busybox', join(root, 'bin', name))
  }
}
