import { DialError, toDialError } from '@reversed-vpn/secure'
import t from 'tap'

t.test('names the step that an error belongs to', async (t) => {
  const cases = [
    ['ENOTFOUND', 'resolve'],
    ['ECONNREFUSED', 'refused'],
    ['ECONNRESET', 'closed'],
    ['ETIMEDOUT', 'timeout'],
    ['HPE_INVALID_CONSTANT', 'proxy-garbage'],
    ['ERR_OF_ANOTHER_KIND', 'unreachable'],
    [undefined, 'unreachable'],
  ] as const
  for (const [code, failure] of cases) {
    const cause = Object.assign(new Error('what was seen'), { code })
    t.match(toDialError(cause, 'unreachable'), {
      name: 'DialError',
      failure,
      message: 'what was seen',
      cause,
    })
  }
  const own = new DialError('wrong-name', 'that of another')
  t.equal(toDialError(own, 'unreachable'), own)
})

t.test('takes what a signal was aborted with, whose code is a number', async (t) => {
  const reason: unknown = AbortSignal.abort().reason
  t.type((reason as { code: unknown }).code, 'number')
  t.match(toDialError(reason, 'closed'), { failure: 'closed', message: /aborted/ })
})
