import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { binOf } from '@reversed-vpn/test/lab'
import t from 'tap'

/** Sends the process that signal while its modules are loaded: between the first of ours and the rest. */
function whileLoading(signal: NodeJS.Signals): string {
  const hook = `export async function load(url, context, next) {
    if (url.endsWith('/dist/main.js')) process.kill(process.pid, '${signal}')
    return next(url, context)
  }`
  const url = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`
  return url(`import { register } from 'node:module'; register(${JSON.stringify(url(hook))})`)
}

for (const program of ['seed-server', 'shoot-client', 'sni-gateway'] as const) {
  for (const signal of ['SIGHUP', 'SIGUSR1'] as const) {
    t.test(`${program} goes on after a ${signal} that comes while it loads`, async (t) => {
      const args = ['--import', whileLoading(signal), binOf(program), '--version']
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      const told = { stdout: '', stderr: '' }
      for (const stream of ['stdout', 'stderr'] as const)
        child[stream].on('data', (chunk) => (told[stream] += String(chunk)))
      t.same(await once(child, 'close'), [0, null])
      t.match(told.stdout, /^\d+\.\d+\.\d+\n$/)
      t.equal(told.stderr, '', 'no debugger is opened')
    })
  }
}
