// Manifests of five shoots, and of the example of a cluster file, are checked in under `test/golden`. After a change that is meant to change them, write them anew and
// look at the difference: REVERSED_VPN_REWRITE_GOLDEN=1 npm test -w packages/kubernetes, then git diff.
import { writeFileSync } from 'node:fs'
import t from 'tap'
import { CLUSTER_FILE } from './support/cluster.js'
import { readTestFile, render, runProgram, testFile } from './support/program.js'
import { GOLDEN_SHOOTS } from './support/shoots.js'

const isRewrite = process.env.REVERSED_VPN_REWRITE_GOLDEN === '1'

for (const { shoot, gardenlet } of GOLDEN_SHOOTS) {
  t.test(`${shoot} with ${gardenlet} is rendered as it is checked in, twice the same`, async (t) => {
    const rendered = await render(gardenlet, shoot)
    if (isRewrite) writeFileSync(testFile(`golden/${shoot}.yaml`), rendered)
    t.equal(rendered, readTestFile(`golden/${shoot}.yaml`))
    t.equal(await render(gardenlet, shoot), rendered)
  })
}

t.test('the example of a cluster file is rendered as it is checked in', async (t) => {
  const { stdout } = await runProgram('render', '--cluster', CLUSTER_FILE)
  if (isRewrite) writeFileSync(testFile('golden/cluster.yaml'), stdout)
  t.equal(stdout, readTestFile('golden/cluster.yaml'))
})
