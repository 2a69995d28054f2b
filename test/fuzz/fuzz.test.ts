import t from 'tap'
import { isFound, makeSeeds, readCorpus } from './corpus.js'
import { FUZZ_TARGET_NAMES, loadFuzzTarget } from './fuzz-target.js'
import { runJsfuzz } from './run-jsfuzz.js'

const SECONDS = process.env.REVERSED_VPN_FULL === '1' ? 20 : 1

t.jobs = 2

for (const name of FUZZ_TARGET_NAMES) {
  t.test(`${name} takes whatever strangers send`, { buffered: true }, async (t) => {
    const { fuzz } = await loadFuzzTarget(name)
    const corpus = readCorpus(name)
    t.same(
      corpus.filter((file) => !isFound(file)),
      await makeSeeds(name),
      'the corpus is what `npm run fuzz -- corpus` writes',
    )
    for (const file of corpus) {
      await t.resolves(async () => fuzz(file.bytes), `${file.name} of the corpus`)
    }

    const result = await runJsfuzz({ target: name, seconds: SECONDS })
    t.equal(result.finding?.toString('hex'), undefined, 'there is no input that something does not hold for')
    t.ok(result.executions > corpus.length, `${result.executions} inputs tried`)
    t.ok(result.coverage > 0, `${result.coverage} statements, functions and branches ran`)
    if (!t.passing()) t.comment(result.output)
  })
}
