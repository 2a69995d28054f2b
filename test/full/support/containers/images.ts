import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ContainerTools } from './container-tools.js'

const REPOSITORY = fileURLToPath(new URL('../../../../../', import.meta.url))
const IMAGES = join(REPOSITORY, 'deploy', 'images')
/** Bases take minutes to make and change with their script alone. */
const CACHE = join(REPOSITORY, '.prepared', 'containers')

export const BASE_IMAGE = 'localhost/reversed-vpn/base'

/** Imports a base of Debian and Node, made before where there is none yet. */
export async function importBase(tools: ContainerTools): Promise<void> {
  const script = join(IMAGES, 'make-base.sh')
  const version = createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 12)
  const file = join(CACHE, `base-${version}.tar`)
  if (!existsSync(file)) await tools.make('sh', [script, file])
  await tools.make('podman', ['import', file, BASE_IMAGE])
}

/** Builds an image as its manual says. What images have in common is built once. @param tag as a manifest names it */
export async function buildImage(tools: ContainerTools, daemon: string, tag: string): Promise<void> {
  const authorities = process.env.NODE_EXTRA_CA_CERTS
  await tools.make('buildah', [
    ...['bud', '--layers', '--isolation', 'chroot', '--format', 'docker'],
    ...['--file', join(IMAGES, 'Containerfile'), '--build-arg', `BASE=${BASE_IMAGE}`],
    ...['--build-arg', `DAEMON=${daemon}`, '--tag', tag],
    ...(authorities === undefined ? [] : ['--secret', `id=ca,src=${authorities}`]),
    REPOSITORY,
  ])
}

/** Bytes of an image with all it stands on. */
export async function sizeOf(tools: ContainerTools, image: string): Promise<number> {
  const { stdout } = await tools.make('podman', ['image', 'inspect', '--format', '{{.Size}}', image])
  return Number(stdout)
}
