import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import type { Scenario } from '../scenarios/scenario.js'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Neither types nor maps are part of an image. */
const LEFT_OUT = /\.(d\.[mc]?ts|map|tsbuildinfo)$/

/** The files of this project and of its modules that the image of a daemon contains. */
export const BUNDLE_SIZE: Scenario = {
  name: 'bundle-size',
  title: 'bundle size',
  load: 'tcp',
  metrics: [
    { key: 'seedMegabytes', title: 'files of the seed-server', unit: 'MB', isHigherBetter: false },
    { key: 'shootMegabytes', title: 'files of the shoot-client', unit: 'MB', isHigherBetter: false },
  ],
  async run({ peer: { name, checkout } }) {
    if (checkout === undefined) throw new TypeError(`${name} is no checkout of this project`)
    const values = {
      seedMegabytes: bundleBytes(checkout, 'seed-server') / 1e6,
      shootMegabytes: bundleBytes(checkout, 'shoot-client') / 1e6,
    }
    return { commands: ['files as of deploy/images/gather-files.sh'], values }
  },
}

/**
 * Bytes of a daemon's package and of all packages it needs in production, with the same selection of files as
 * `deploy/images/gather-files.sh`. It reads the manifests, so that it can measure any package layout.
 */
export function bundleBytes(checkout: string, daemon: string): number {
  const packages = new Set<string>()
  const pending = [realpathSync(join(checkout, 'packages', daemon))]
  for (let dir = pending.pop(); dir !== undefined; dir = pending.pop()) {
    if (packages.has(dir)) continue
    packages.add(dir)
    pending.push(...dependenciesOf(dir))
  }
  return [...packages]
    .flatMap((dir) => (dir.includes('/node_modules/') ? filesIn(dir) : ownFilesIn(dir)))
    .reduce((sum, file) => sum + statSync(file).size, 0)
}

function dependenciesOf(dir: string): string[] {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(dir, 'package.json'), 'utf8'),
  ) as Manifest
  return Object.keys({ ...dependencies, ...optionalDependencies })
    .map((name) => installedIn(dir, name))
    .filter((found) => found !== undefined)
}

/** Where Node.js finds a module for files in a directory. Undefined: an optional one for another platform. */
function installedIn(dir: string, name: string): string | undefined {
  const found = join(dir, 'node_modules', name)
  if (existsSync(found)) return realpathSync(found)
  return dirname(dir) === dir ? undefined : installedIn(dirname(dir), name)
}

function ownFilesIn(dir: string): string[] {
  // An incremental build leaves the output of removed sources behind.
  const built = filesIn(join(dir, 'dist')).filter((file) =>
    existsSync(join(dir, 'src', relative(join(dir, 'dist'), file).replace(/js$/, 'ts'))),
  )
  const addons = filesIn(join(dir, 'build', 'Release')).filter((file) => file.endsWith('/tun.node'))
  return [join(dir, 'package.json'), ...built, ...filesIn(join(dir, 'bin')), ...addons]
}

/** All files below a directory except those left out. Nested modules are packages of their own. */
function filesIn(dir: string): string[] {
  if (!existsSync(dir)) return []
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : filesIn(path)
    return entry.isFile() && !LEFT_OUT.test(entry.name) ? [path] : []
  })
}
