// Builds what the tests with Kubernetes need and is not built yet: `node test/dist/kubernetes/prepare.js`. A line for each
// thing that was built. Exit code 2 and one line: something is missing that it can't bring.
import { ensureImages } from './images/index.js'
import { MissingPiece } from './support/cache.js'

try {
  await ensureImages((line) => console.log(`prepare: ${line}`))
} catch (error) {
  if (!(error instanceof MissingPiece)) throw error
  console.error(`prepare: ${error.message}`)
  process.exitCode = 2
}
