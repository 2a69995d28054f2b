import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { DOCUMENTS, fillFigures, withoutFigures } from '../cli/document-figures.js'
import { readResults } from '../cli/write-report.js'
import { REPOSITORY } from '../peers/stage.js'
import { sampleResults } from './sample-results.js'

/** Units that only a measurement has: times are also settings, so they are not looked for. */
const MEASURED = /\d[\d.,]*(?: ?(?:to|–|-|and|\/) ?\d[\d.,]*)?\s?(?:[GM]bit\/s|MB|kB|µs)\b/g

const docs = join(REPOSITORY, 'docs')
const [results, wan] = await Promise.all([readResults(docs, 'results.json'), readResults(docs, 'wan.json')])
if (results === undefined || wan === undefined) throw new Error('docs/bench has no results')

for (const document of DOCUMENTS) {
  t.test(`every figure of ${document} is the one of docs/bench`, async (t) => {
    const text = await readFile(join(REPOSITORY, document), 'utf8')
    const written = fillFigures(text, { results, wan })
    t.equal(text, written, 'as `npm run bench -- report` writes it')
    t.notMatch(written, '–<!--/figure-->', 'every figure was measured')
    t.notMatch(written, /^\s*<!--figure:/m, 'none begins a line, where Markdown takes a comment for a block')
  })

  t.test(`${document} has no figure that was written by hand`, async (t) => {
    const text = withoutFigures(await readFile(join(REPOSITORY, document), 'utf8'))
    t.strictSame(text.match(MEASURED) ?? [], [])
  })
}

t.test('README and operating guide have figures', async (t) => {
  for (const document of ['README.md', 'docs/operating.md']) {
    const text = await readFile(join(REPOSITORY, document), 'utf8')
    t.not(withoutFigures(text), text, document)
  }
})

t.test('a figure is looked up by its path', (t) => {
  const sources = { results: sampleResults([0.5, 0.4, 0.6], [5, 6, 5.5]), wan }
  const fill = (path: string) => fillFigures(`a <!--figure:${path}-->old<!--/figure--> b`, sources)
  const filled = (path: string, value: string) => `a <!--figure:${path}-->${value}<!--/figure--> b`
  for (const [path, value] of [
    ['peer/ours/tcp-1-to-shoot/gigabitsPerSecond', '5.50'],
    ['memory/ours/peakRssBytes', '210'],
    ['cpu/ours/tcp-1-to-shoot', '–'],
    ['memory/ours/peer', '–'],
    ['nothing/ours', '–'],
  ] as const) {
    t.equal(fill(path), filled(path, value))
  }
  t.end()
})

t.test('a figure written by hand is found, a setting is not', (t) => {
  const found = (text: string) => withoutFigures(text).match(MEASURED) ?? []
  t.strictSame(found('3 to 5 Gbit/s and 85/125 MB'), ['3 to 5 Gbit/s', '85/125 MB'])
  t.strictSame(found('within 10 s, <!--figure:a/b-->5.1<!--/figure--> Gbit/s, port 9443, 8 KiB'), [])
  t.end()
})
