import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { REPOSITORY, sourceFiles } from './source-tree.js'

/** The formatter wraps code at 110 columns, and leaves comments and strings alone. */
const MAX_COLUMNS = 130

t.test('no line of the sources is too wide to read', (t) => {
  const wide = sourceFiles(REPOSITORY).flatMap(({ path }) =>
    readFileSync(join(REPOSITORY, path), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        line.length > MAX_COLUMNS ? [`${path}:${index + 1} has ${line.length} columns`] : [],
      ),
  )
  t.strictSame(wide, [])
  t.end()
})
