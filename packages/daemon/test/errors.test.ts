import { readFile } from 'node:fs/promises'
import { describeCause, oneLine, UsageError } from '@reversed-vpn/daemon'
import { EnvironmentError, isEnvironmentFailure } from '@reversed-vpn/daemon/testing'
import t from 'tap'

t.test('what the machine refuses is told from bugs and bad options', async (t) => {
  const missing = await readFile('/nonexistent').catch((error: unknown) => error)
  t.ok(isEnvironmentFailure(missing))
  t.ok(isEnvironmentFailure(new EnvironmentError('x')))
  t.notOk(isEnvironmentFailure(new UsageError('x')))
  t.notOk(isEnvironmentFailure(new TypeError('x')))
  t.notOk(isEnvironmentFailure(Object.assign(new Error('x'), { code: 'ERR_INVALID_ARG_TYPE' })))
  t.notOk(isEnvironmentFailure(undefined))
})

t.test('a cause is one line, in words where the errno is known', async (t) => {
  const missing = await readFile('/nonexistent').catch((error: unknown) => error)
  t.equal(describeCause(missing), 'no such file or directory (ENOENT)')
  t.equal(describeCause(Object.assign(new Error('x'), { errno: 16 })), 'resource busy or locked (EBUSY)')
  t.equal(describeCause(new Error('two\nlines ')), 'two lines')
  t.equal(
    describeCause(new AggregateError([new Error('a'), missing])),
    'a; no such file or directory (ENOENT)',
  )
  t.equal(describeCause('thrown text'), 'thrown text')
})

t.test('line breaks are folded', async (t) => {
  t.equal(oneLine(' a\n  b\r\nc '), 'a b c')
})
