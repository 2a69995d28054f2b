import { parseBool } from '@reversed-vpn/kubernetes'
import t from 'tap'

t.test('reads what Go reads', async (t) => {
  for (const text of ['1', 't', 'T', 'TRUE', 'true', 'True']) t.equal(parseBool(text), true, text)
  for (const text of ['0', 'f', 'F', 'FALSE', 'false', 'False']) t.equal(parseBool(text), false, text)
})

t.test('reads nothing else', async (t) => {
  for (const text of ['', ' ', 'yes', 'no', 'on', 'tRUE', 'true ', '\ttrue', '01', '2', 'null'])
    t.equal(parseBool(text), undefined, JSON.stringify(text))
})
