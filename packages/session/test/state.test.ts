import { checkLegal } from '@reversed-vpn/session/testing'
import t from 'tap'

t.test('a state that may not follow is a mistake', async (t) => {
  const legal = { open: ['shut'], shut: [] } as const
  t.doesNotThrow(() => checkLegal('door', legal, 'open', 'shut'))
  t.throws(() => checkLegal('door', legal, 'shut', 'open'), { message: 'door cannot go from shut to open' })
})
