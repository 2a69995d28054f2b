import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { Parser } from 'tap-parser'

/**
 * Runs one compiled test file as a process and counts its assertions. A skipped or unfinished test is a failed one: a run
 * must not turn green by leaving out what it was asked for.
 */
export async function runTestFile(root, { source, output }, { timeoutSeconds, env }) {
  const name = relative(root, source)
  const startedMs = performance.now()
  const result = (passed, failures, log = '') => {
    return { name, passed, failures, log, seconds: (performance.now() - startedMs) / 1000 }
  }
  if (!existsSync(output)) return result(0, [`not compiled: there is no ${relative(root, output)}`])
  const { tap, log, code, signal, isTimedOut } = await runProcess(root, output, timeoutSeconds, env)
  const { passed, failures } = count(tap)
  if (isTimedOut) failures.push(`took longer than ${timeoutSeconds} s`)
  else if (code !== 0 && failures.length === 0) failures.push(`ended with ${signal ?? code}`)
  if (passed === 0 && failures.length === 0) failures.push('has no assertion')
  return result(passed, failures, failures.length === 0 ? '' : `${tap}${log}`)
}

function runProcess(root, file, timeoutSeconds, env) {
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: root,
    env: { ...env, TAP_TIMEOUT: String(timeoutSeconds) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl-C at the terminal is for us; we pass it on once.
    detached: true,
  })
  running.add(child)
  let tap = ''
  let log = ''
  let isTimedOut = false
  child.stdout.setEncoding('utf8').on('data', (text) => {
    tap += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    log += text
  })
  // The file has the same limit for itself and says what it waited for. This is for one that can't speak any more.
  const timers = [
    setTimeout(
      () => {
        isTimedOut = true
        child.kill('SIGTERM')
      },
      (timeoutSeconds + 10) * 1000,
    ),
    setTimeout(() => killGroup(child), (timeoutSeconds + 20) * 1000),
  ]
  return new Promise((resolve) => {
    child.once('exit', () => {
      for (const timer of timers) clearTimeout(timer)
      // What it left behind must not hold its pipes open, nor run on.
      killGroup(child)
    })
    child.once('close', (code, signal) => {
      running.delete(child)
      resolve({ tap, log, code, signal, isTimedOut })
    })
  })
}

const running = new Set()

/** Passes a signal on to every test that runs. */
export function signalRunningTests(signal) {
  for (const child of running) child.kill(signal)
}

function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

export function count(tap) {
  let passed = 0
  const failures = []
  for (const [event, point] of Parser.parse(tap, { flat: true })) {
    if (event === 'bailout') failures.push(`bailed out: ${point}`)
    if (event === 'complete' && !point.ok && failures.length === 0)
      failures.push('its report is not complete')
    if (event !== 'assert') continue
    if (point.skip) failures.push(`skipped: ${point.fullname} (${point.skip})`)
    else if (point.todo) failures.push(`not finished: ${point.fullname}`)
    else if (point.ok) passed++
    else failures.push(point.fullname)
  }
  return { passed, failures }
}
