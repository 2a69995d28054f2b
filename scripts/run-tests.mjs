// Runs the compiled tests: `node scripts/run-tests.mjs unit|quick|full|kubernetes [part of a path ...]`. Ends with the
// line `N passed, N failed`; exit code 1 when anything failed, nothing ran, or something was left behind on the machine.
import { availableParallelism } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findTests } from './lib/find-tests.mjs'
import { LeftoverCheck } from './lib/leftovers.mjs'
import { runTestFile, signalRunningTests } from './lib/run-test-file.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const TIMEOUT_SECONDS = { unit: 120, quick: 300, full: 1200, kubernetes: 900 }

async function main([mode, ...parts]) {
  if (!(mode in TIMEOUT_SECONDS)) {
    console.error(
      `run-tests: which mode? One of ${Object.keys(TIMEOUT_SECONDS).join(', ')}; not ${mode ?? 'none'}`,
    )
    return 2
  }
  const { parallel, serial } = narrow(findTests(root, mode), parts)
  const leftovers = new LeftoverCheck()
  const env = { ...process.env, ...leftovers.env, ...(mode === 'full' ? { REVERSED_VPN_FULL: '1' } : {}) }
  const totals = { passed: 0, failed: 0, stopped: false }
  passSignalsOn(totals)
  for (const { tests, jobs, home } of [
    // Without a home directory, as a daemon's user has none.
    { tests: parallel, jobs: availableParallelism(), home: '' },
    { tests: serial, jobs: 1, home: process.env.HOME },
  ]) {
    await runAll(tests, jobs, totals, (test) =>
      runTestFile(root, test, { timeoutSeconds: TIMEOUT_SECONDS[mode], env: { ...env, HOME: home } }),
    )
  }
  for (const thing of await leftovers.find()) {
    console.log(`left behind: ${thing}`)
    totals.failed++
  }
  if (parallel.length + serial.length === 0) {
    console.log('there is no test')
    totals.failed++
  }
  console.log(`${totals.passed} passed, ${totals.failed} failed`)
  return totals.failed === 0 && !totals.stopped ? 0 : 1
}

function narrow({ parallel, serial }, parts) {
  const isWanted = ({ source }) =>
    parts.length === 0 || parts.some((part) => relative(root, source).includes(part))
  return { parallel: parallel.filter(isWanted), serial: serial.filter(isWanted) }
}

async function runAll(tests, jobs, totals, run) {
  const queue = [...tests]
  const work = async () => {
    for (let test = queue.shift(); test !== undefined && !totals.stopped; test = queue.shift()) {
      report(await run(test), totals)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
}

function report({ name, passed, failures, log, seconds }, totals) {
  totals.passed += passed
  totals.failed += failures.length
  console.log(`${failures.length === 0 ? 'ok    ' : 'FAILED'} ${name} (${passed}, ${seconds.toFixed(1)} s)`)
  if (failures.length === 0) return
  if (log !== '') console.log(log.trimEnd().replaceAll(/^/gm, '  '))
  for (const failure of failures) console.log(`  FAILED ${name}: ${failure}`)
}

/** The tests take their labs down; then the run ends as one that failed. A second signal ends it at once. */
function passSignalsOn(totals) {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => {
      if (!totals.stopped) totals.failed++
      totals.stopped = true
      signalRunningTests(signal)
    })
  }
}

process.exitCode = await main(process.argv.slice(2))
