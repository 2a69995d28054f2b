import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { watchFiles } from '@reversed-vpn/daemon/testing'
import t from 'tap'

/** Calls back on each change; `next` settles with the next one. */
function watch(paths: readonly string[]) {
  let changes = 0
  // It does not keep the process alive itself.
  const alive = setInterval(() => {}, 1000)
  let wake = () => {}
  const watcher = watchFiles({
    paths,
    intervalMs: 20,
    onChange: () => {
      changes++
      wake()
    },
  })
  const next = () =>
    new Promise<void>((resolve) => {
      wake = resolve
    })
  const close = () => {
    clearInterval(alive)
    watcher.close()
  }
  return { close, next, count: () => changes }
}

t.test('tells of a file that is written anew, and of one that was not there before', async (t) => {
  const dir = t.testdir({ a: 'one' })
  const { close, next } = watch([join(dir, 'a'), join(dir, 'b')])
  let change = next()
  writeFileSync(join(dir, 'a'), 'two, longer')
  await change
  change = next()
  writeFileSync(join(dir, 'b'), 'new')
  await change
  close()
  t.pass('both')
})

t.test('tells once of files swapped together by a symbolic link, as mounted Secrets are', async (t) => {
  const dir = t.testdir({})
  for (const version of ['v1', 'v2']) {
    mkdirSync(join(dir, version))
    for (const name of ['cert', 'key']) writeFileSync(join(dir, version, name), version)
  }
  symlinkSync('v1', join(dir, '..data'))
  for (const name of ['cert', 'key']) symlinkSync(join('..data', name), join(dir, name))
  const { close, next, count } = watch(['cert', 'key'].map((name) => join(dir, name)))
  const change = next()
  symlinkSync('v2', join(dir, '..new'))
  renameSync(join(dir, '..new'), join(dir, '..data'))
  await change
  close()
  t.equal(count(), 1)
})
