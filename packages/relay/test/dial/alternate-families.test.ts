import { alternateFamilies } from '@reversed-vpn/relay/testing'
import t from 'tap'

t.test('families take turns, beginning with that of the first; within one the order stays', async (t) => {
  t.same(alternateFamilies(['::1', '::2', '::3', '10.0.0.1', '10.0.0.2']), [
    '::1',
    '10.0.0.1',
    '::2',
    '10.0.0.2',
    '::3',
  ])
  t.same(alternateFamilies(['10.0.0.1', '10.0.0.2', '::1']), ['10.0.0.1', '::1', '10.0.0.2'])
  t.same(alternateFamilies(['10.0.0.2', '10.0.0.1', '10.0.0.2']), ['10.0.0.2', '10.0.0.1'])
  t.same(alternateFamilies([]), [])
})
