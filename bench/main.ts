import { runBench } from './src/run-bench.js'

process.exitCode = await runBench(process.argv.slice(2))
