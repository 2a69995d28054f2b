import { describeStreams } from '@reversed-vpn/tunnel-daemon'
import t from 'tap'

t.test('tells of lanes, streams and bytes, each under its own name, and of nothing else', (t) => {
  const multiplexer = {
    lanes: 2,
    goneLanes: 1,
    waitingBytes: 30,
    largestWindowBytes: 262_144,
    target: '10.0.0.1',
    snapshot: () => ({ open: 4, opening: 5, keptBytes: 60, heldBytes: 70, sentBytes: 8 }),
  }
  t.strictSame(describeStreams(multiplexer), {
    lanes: 2,
    goneLanes: 1,
    open: 4,
    opening: 5,
    waitingBytes: 30,
    unacknowledgedBytes: 60,
    unreadBytes: 70,
    largestWindowBytes: 262_144,
  })
  t.end()
})
