import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url))
const NODE_MODULES = fileURLToPath(new URL('../../../../node_modules', import.meta.url))

/** The package as it is before anything native was built, in a folder of its own that goes with it. */
export interface PackageCopy extends Disposable {
  readonly directory: string
}

export function copyPackage(): PackageCopy {
  const root = mkdtempSync(join(tmpdir(), 'node-tun-'))
  const directory = join(root, 'node-tun')
  for (const part of ['dist', 'native', 'scripts', 'binding.gyp', 'package.json']) {
    cpSync(join(PACKAGE, part), join(directory, part), { recursive: true, preserveTimestamps: true })
  }
  symlinkSync(NODE_MODULES, join(root, 'node_modules'))
  return { directory, [Symbol.dispose]: () => rmSync(root, { recursive: true }) }
}
