import { DisposerStack } from '@reversed-vpn/daemon/testing'
import t from 'tap'

function recorder() {
  const events: string[] = []
  const stack = new DisposerStack((name, error) => events.push(`${name} failed: ${(error as Error).message}`))
  return { events, stack }
}

t.test('runs in reverse order, one step after the other', async (t) => {
  const { events, stack } = recorder()
  stack.defer('first', () => void events.push('first'))
  stack.defer('second', async () => {
    events.push('second begins')
    await Promise.resolve()
    events.push(`${stack.current} ends`)
  })
  await stack.dispose()
  t.same(events, ['second begins', 'second ends', 'first'])
  t.equal(stack.current, undefined)
})

t.test('a step that fails is reported and the others still run', async (t) => {
  const { events, stack } = recorder()
  stack.defer('first', () => void events.push('first'))
  stack.defer('throws', () => {
    throw new Error('no')
  })
  stack.defer('rejects', () => Promise.reject(new Error('never')))
  await stack.dispose()
  t.same(events, ['rejects failed: never', 'throws failed: no', 'first'])
})

t.test('runs each step once, however often it is disposed', async (t) => {
  const { events, stack } = recorder()
  stack.defer('step', () => void events.push('step'))
  await Promise.all([stack.dispose(), stack.dispose()])
  await stack.dispose()
  t.same(events, ['step'])
})

t.test('a step that comes while it disposes runs next, one that comes later at once', async (t) => {
  const { events, stack } = recorder()
  stack.defer('first', () => void events.push('first'))
  stack.defer('second', () => stack.defer('late', () => void events.push('late')))
  await stack.dispose()
  stack.defer('too late', () => void events.push('too late'))
  t.same(events, ['late', 'first', 'too late'])
})
