import { TunnelError } from '@reversed-vpn/protocol'
import { test } from 'tap'

test('carries code, close code and cause', async (t) => {
  const cause = new Error('below')
  const error = new TunnelError('ERR_CONTROL_INVALID', 'no PING', { closeCode: 'bad-control', cause })
  t.type(error, Error)
  t.equal(error.name, 'TunnelError')
  t.equal(error.code, 'ERR_CONTROL_INVALID')
  t.equal(error.closeCode, 'bad-control')
  t.equal(error.cause, cause)
})

test('has neither close code nor cause where none was given', async (t) => {
  const error = new TunnelError('ERR_PEER_CLOSED', 'the peer closed')
  t.notOk('closeCode' in error)
  t.notOk('cause' in error)
})
