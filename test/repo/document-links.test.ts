import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { brokenReferences, guidingDocuments } from './document-links.js'
import { makeTree } from './made-up-tree.js'
import { REPOSITORY } from './source-tree.js'

/** Of a decision record. */
const MOST_WORDS = 400

t.test('every link and every file that a document names is there', (t) => {
  const documents = guidingDocuments(REPOSITORY)
  for (const expected of [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'docs/operating.md',
  ])
    t.ok(documents.includes(expected), expected)
  for (const document of documents) t.strictSame(brokenReferences(REPOSITORY, document), [], document)
  t.end()
})

t.test('the index of decisions has each with its title, and each fits on a page', (t) => {
  const dir = join(REPOSITORY, 'docs', 'decisions')
  const index = readFileSync(join(dir, 'README.md'), 'utf8')
  const records = readdirSync(dir).filter((name) => name !== 'README.md')
  for (const name of records) {
    const text = readFileSync(join(dir, name), 'utf8')
    const [, number, title] = /^# (\d{4}): (.+)\n/.exec(text) ?? []
    t.ok(name.startsWith(`${number}-`), `${name} begins with its number`)
    t.ok(index.includes(`| [${number}](${name}) | ${title} |\n`), `${name} is in the index as ${title}`)
    t.ok(text.split(/\s+/).length <= MOST_WORDS, `${name} has at most ${MOST_WORDS} words`)
  }
  t.equal(index.match(/^\| \[\d/gm)?.length, records.length)
  t.end()
})

t.test('finds links and paths that lead nowhere, and nothing else', (t) => {
  const root = makeTree(t.testdir(), {
    'packages/wire/package.json': '{}',
    'packages/wire/README.md':
      '# wire\n`src/frame.ts` `wire/src/frame.ts` `src/gone.ts` [spec](SPEC.md)\n| `frame.ts`, `fr*.ts`, `old.ts` |\n`old.ts`\n',
    'packages/wire/src/frame.ts': '',
    'docs/guide.md': [
      '# Guide',
      '## One step',
      '[here](#one-step) [there](#two-steps) [wire](../packages/wire#wire) [out](https://example.org/a.md)',
      '`packages/wire/src/*.ts` `packages/wire/src/*.mjs` `/etc/a/b.json` `linux/if_tun.h` `a.ts`',
      '```\n[no link](gone.md) `not/a/path.ts`\n```',
    ].join('\n'),
  })
  t.strictSame(guidingDocuments(root), ['docs/guide.md', 'packages/wire/README.md'])
  t.strictSame(brokenReferences(root, 'docs/guide.md'), [
    'docs/guide.md: no heading for the link #two-steps',
    'docs/guide.md: `packages/wire/src/*.mjs` does not exist',
  ])
  t.strictSame(brokenReferences(root, 'packages/wire/README.md'), [
    'packages/wire/README.md: the link SPEC.md leads nowhere',
    'packages/wire/README.md: `src/gone.ts` does not exist',
    'packages/wire/README.md: `old.ts` is no file of the package',
  ])
  t.end()
})
