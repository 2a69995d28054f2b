import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { REPOSITORY } from '../support/cache.js'
import { compareVersions, go } from './go.js'

const MODULES = join(REPOSITORY, 'test', 'kubernetes', 'binaries', 'modules')
/** Programs whose package is not named as they are. */
const NAMES: Readonly<Record<string, string>> = {
  'golang.zx2c4.com/wireguard': 'wireguard-go',
  'go.etcd.io/etcd/server/v3': 'etcd',
  'sigs.k8s.io/apiserver-network-proxy/cmd/agent': 'proxy-agent',
  'sigs.k8s.io/apiserver-network-proxy/cmd/server': 'proxy-server',
  'sigs.k8s.io/kube-network-policies/cmd': 'kube-network-policies',
}
/** Components of Kubernetes refuse each other when they don't know their version. */
const KUBERNETES = 'k8s.io/kubernetes'
const VERSION_VARIABLE = 'k8s.io/component-base/version.gitVersion'

export interface Program {
  readonly name: string
  /** The folder of the module that requires it. */
  readonly dir: string
  /** Of its module's files, and how it is built. */
  readonly key: string
  readonly buildArgs: readonly string[]
}

interface GoModule {
  readonly Tool: readonly { readonly Path: string }[]
  readonly Require: readonly { readonly Path: string; readonly Version: string }[]
}

/** The Go that the modules want, such as 1.26.2. */
export async function leastGo(): Promise<string> {
  const dirs = await moduleDirs()
  const files = await Promise.all(dirs.map((dir) => readFile(join(dir, 'go.mod'), 'utf8')))
  const versions = files.map((text) => /^go (\S+)$/m.exec(text)?.[1] ?? '0')
  return versions.sort(compareVersions).at(-1) ?? '0'
}

/** What the `tool` lines of all modules name. @param version of Go */
export async function readPrograms(version: string): Promise<Program[]> {
  const programs = await Promise.all((await moduleDirs()).map((dir) => programsOf(dir, version)))
  return programs.flat()
}

async function programsOf(dir: string, version: string): Promise<Program[]> {
  const module: GoModule = JSON.parse((await go(dir, ['mod', 'edit', '-json'])).stdout)
  const flags = ['-trimpath', '-buildvcs=false', '-ldflags', linkerFlags(module)]
  const hash = createHash('sha256').update(JSON.stringify([version, process.arch, flags]))
  for (const name of ['go.mod', 'go.sum']) hash.update(await readFile(join(dir, name)))
  const key = hash.digest('hex')
  return module.Tool.map(({ Path: path }) => ({
    name: NAMES[path] ?? basename(path),
    dir,
    key,
    buildArgs: [...flags, path],
  }))
}

function linkerFlags({ Require: required }: GoModule): string {
  const kubernetes = required.find(({ Path: path }) => path === KUBERNETES)
  return [
    '-s -w',
    ...(kubernetes === undefined ? [] : [`-X ${VERSION_VARIABLE}=${kubernetes.Version}`]),
  ].join(' ')
}

async function moduleDirs(): Promise<string[]> {
  return (await readdir(MODULES)).sort().map((name) => join(MODULES, name))
}
