// Builds what the tests with Kubernetes need and is not built yet: `node test/dist/kubernetes/prepare.js`. A line for each
// thing that was built. Exit code 2 and one line: something is missing that it can't bring.
import { ensureImages, NOT_FOR_ALL } from './images/index.js'
import { MissingPiece } from './support/cache.js'

try {
  await ensureImages(NOT_FOR_ALL, (line) => console.log(`prepare: ${line}`))
} catch (error) {
  if (!(error instanceof MissingPiece)) throw error
  console.error(`prepare: ${error.message}`)
  process.exitCode = 2
}
