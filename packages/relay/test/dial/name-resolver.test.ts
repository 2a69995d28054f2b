import { NameResolver } from '@reversed-vpn/relay/testing'
import t from 'tap'

const NEVER = new AbortController().signal

/** A look-up that the test answers. */
function controlledLookup() {
  const asked: string[] = []
  const answers: { resolve: (addresses: readonly string[]) => void; reject: (error: Error) => void }[] = []
  const lookup = (name: string) => {
    asked.push(name)
    return new Promise<readonly string[]>((resolve, reject) => answers.push({ resolve, reject }))
  }
  return { asked, answers, lookup }
}

t.test('an address is its own answer', async (t) => {
  const { asked, lookup } = controlledLookup()
  const names = new NameResolver(lookup)
  t.same(await names.resolve('2001:db8::1', NEVER), ['2001:db8::1'])
  t.same(asked, [])
})

t.test('one look-up answers all who ask meanwhile, and nobody who asks later', async (t) => {
  const { asked, answers, lookup } = controlledLookup()
  const names = new NameResolver(lookup)
  const both = [names.resolve('a.example', NEVER), names.resolve('a.example', NEVER)]
  answers[0]?.resolve(['192.0.2.1'])
  t.same(await Promise.all(both), [['192.0.2.1'], ['192.0.2.1']])
  const later = names.resolve('a.example', NEVER)
  answers[1]?.resolve(['192.0.2.2'])
  t.same(await later, ['192.0.2.2'])
  t.same(asked, ['a.example', 'a.example'])
})

t.test('a look-up that is too slow fails as a look-up, goes on, and answers the next who asks', async (t) => {
  const { asked, answers, lookup } = controlledLookup()
  const names = new NameResolver(lookup, { waitMs: 20, keepMs: 60_000 })
  await t.rejects(names.resolve('slow.example', NEVER), {
    code: 'EAI_AGAIN',
    message: /slow\.example.*20 ms/,
  })
  answers[0]?.resolve(['192.0.2.7'])
  await new Promise((resolve) => setTimeout(resolve, 5))
  t.same(await names.resolve('slow.example', NEVER), ['192.0.2.7'])
  t.equal(asked.length, 1)
})

t.test('what nobody waited for is forgotten after a while', async (t) => {
  const { asked, answers, lookup } = controlledLookup()
  const names = new NameResolver(lookup, { waitMs: 10, keepMs: 10 })
  await t.rejects(names.resolve('slow.example', NEVER))
  answers[0]?.resolve(['192.0.2.7'])
  await new Promise((resolve) => setTimeout(resolve, 50))
  const again = names.resolve('slow.example', NEVER)
  answers[1]?.resolve(['192.0.2.8'])
  t.same(await again, ['192.0.2.8'])
  t.equal(asked.length, 2)
})

t.test('the signal ends the wait, not the look-up', async (t) => {
  const { asked, answers, lookup } = controlledLookup()
  const names = new NameResolver(lookup)
  const controller = new AbortController()
  const wait = names.resolve('a.example', controller.signal)
  controller.abort(new Error('stopped'))
  await t.rejects(wait, { message: 'stopped' })
  const next = names.resolve('a.example', NEVER)
  answers[0]?.resolve(['192.0.2.1'])
  t.same(await next, ['192.0.2.1'])
  t.equal(asked.length, 1)
})

t.test('a failure is told, and not kept; no address is a failure', async (t) => {
  const { answers, lookup } = controlledLookup()
  const names = new NameResolver(lookup)
  const first = names.resolve('a.example', NEVER)
  answers[0]?.reject(Object.assign(new Error('who?'), { code: 'ENOTFOUND' }))
  await t.rejects(first, { code: 'ENOTFOUND' })
  const second = names.resolve('a.example', NEVER)
  answers[1]?.resolve([])
  await t.rejects(second, { code: 'ENOTFOUND' })
})
