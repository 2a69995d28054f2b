import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ImageTools } from './image-tools.js'

const REPOSITORY = fileURLToPath(new URL('../../../../../', import.meta.url))
const IMAGES = join(REPOSITORY, 'deploy', 'images')
/** Bases take minutes to make, foreign ones ten, and change with their script alone: all checkouts of a user share them. */
const CACHE = join(cacheHome(), 'containers')

/** What a daemon may add to its base. */
export const MAX_ADDED_BYTES = 60_000_000

/** As images and Debian name it. */
export type Architecture = 'amd64' | 'arm64'

export const HERE: Architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** Imports a base of Debian and Node, made before where there is none yet. */
export async function importBase(tools: ImageTools, architecture: Architecture): Promise<void> {
  const script = join(IMAGES, 'make-base.sh')
  const version = createHash('sha256').update(readFileSync(script)).digest('hex').slice(0, 12)
  const file = join(CACHE, `base-${architecture}-${version}.tar`)
  if (!existsSync(file)) await tools.make('sh', [script, file, architecture])
  await tools.make('podman', ['import', '--arch', architecture, file, baseOf(architecture)])
}

/** Builds an image as its manual says. What images have in common is built once. @param tag as a manifest names it */
export async function buildImage(
  tools: ImageTools,
  daemon: string,
  tag: string,
  architecture: Architecture,
): Promise<void> {
  const authorities = process.env.NODE_EXTRA_CA_CERTS
  const foreign = [
    ...['--platform', `linux/${architecture}`, '--build-arg', `BUILDPLATFORM=linux/${HERE}`],
    ...['--build-arg', `BUILD_BASE=${baseOf(HERE)}`],
  ]
  await tools.make('buildah', [
    ...['bud', '--layers', '--isolation', 'chroot', '--format', 'docker'],
    ...['--file', join(IMAGES, 'Containerfile'), '--build-arg', `BASE=${baseOf(architecture)}`],
    ...(architecture === HERE ? [] : foreign),
    ...['--build-arg', `DAEMON=${daemon}`, '--tag', tag],
    ...(authorities === undefined ? [] : ['--secret', `id=ca,src=${authorities}`]),
    REPOSITORY,
  ])
}

/** Bytes of an image without its base. */
export async function sizeAdded(
  tools: ImageTools,
  image: string,
  architecture: Architecture,
): Promise<number> {
  return (await sizeOf(tools, image)) - (await sizeOf(tools, baseOf(architecture)))
}

/** What an image says of itself, by a template of podman's. */
export async function inspectImage(tools: ImageTools, image: string, template: string): Promise<string> {
  const { stdout } = await tools.make('podman', ['image', 'inspect', '--format', template, image])
  return stdout.trim()
}

async function sizeOf(tools: ImageTools, image: string): Promise<number> {
  return Number(await inspectImage(tools, image, '{{.Size}}'))
}

function cacheHome(): string {
  const { HOME, XDG_CACHE_HOME } = process.env
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'reversed-vpn')
  return HOME ? join(HOME, '.cache', 'reversed-vpn') : join(REPOSITORY, '.prepared')
}

function baseOf(architecture: Architecture): string {
  return `localhost/reversed-vpn/base-${architecture}`
}
