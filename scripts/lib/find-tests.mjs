import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'

// Of `test/`, what each mode runs besides the packages' own tests.
const QUICK_SUITES = ['repo', 'lab', 'fuzz', 'e2e', 'faults', 'security']
const FULL_SUITES = [...QUICK_SUITES, 'full']

/**
 * The tests of a mode, from their sources, so that what was compiled from a deleted one is never run: those that share
 * nothing with others, and those that take namespaces or the machine's time and go one by one.
 */
export function findTests(root, mode) {
  // Real clusters: minutes each, and none of the tests of packages.
  if (mode === 'kubernetes') return { parallel: [], serial: suite(root, 'kubernetes') }
  const packages = namesIn(join(root, 'packages')).flatMap((name) => {
    const dir = join(root, 'packages', name)
    return compiledTests(join(dir, 'test'), join(dir, 'dist-test'))
  })
  const isRoot = ({ source }) => relative(root, source).split(sep).includes('root')
  const bench = compiledTests(join(root, 'bench', 'test'), join(root, 'bench', 'dist', 'test'))
  const parallel = [...packages.filter((test) => !isRoot(test)), ...bench]
  if (mode === 'unit') return { parallel, serial: [] }
  const suites = (mode === 'full' ? FULL_SUITES : QUICK_SUITES).flatMap((name) => suite(root, name))
  return { parallel, serial: [...packages.filter(isRoot), ...suites] }
}

function suite(root, name) {
  return compiledTests(join(root, 'test', name), join(root, 'test', 'dist', name))
}

function compiledTests(sourceDir, outputDir) {
  if (!existsSync(sourceDir)) return []
  return readdirSync(sourceDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.ts'))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((source) => !source.includes(`${sep}node_modules${sep}`))
    .sort()
    .map((source) => ({ source, output: outputOf(source, sourceDir, outputDir) }))
}

function outputOf(source, sourceDir, outputDir) {
  const below = relative(sourceDir, source)
  return join(outputDir, dirname(below), `${below.slice(below.lastIndexOf(sep) + 1, -'.ts'.length)}.js`)
}

function namesIn(dir) {
  return existsSync(dir) ? readdirSync(dir).sort() : []
}
