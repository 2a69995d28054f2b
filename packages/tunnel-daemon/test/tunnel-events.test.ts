import { createLogger } from '@reversed-vpn/daemon/testing'
import { NetworkError } from '@reversed-vpn/host-network'
import { SyscallError } from '@reversed-vpn/node-tun'
import { TunnelError } from '@reversed-vpn/protocol'
import { DialError } from '@reversed-vpn/secure'
import type { Lane, Session } from '@reversed-vpn/session'
import { createTunnelEvents } from '@reversed-vpn/tunnel-daemon/testing'
import t from 'tap'

const SESSION = { id: 's', ageMs: 0 } as Session
const LANE = { index: 0, rttMs: 1 } as Lane

/** Events, what they counted, and what they ended the process for. */
function createEvents() {
  const counted: string[] = []
  const failures: unknown[] = []
  const troubles: (string | undefined)[] = []
  const events = createTunnelEvents({
    log: createLogger({ name: 'test', level: 'silent', format: 'json' }).log,
    metrics: {
      refused: (reason) => counted.push(`refused ${reason}`),
      dialFailed: (failure) => counted.push(`dial ${failure}`),
      sessionOpened: () => counted.push('opened'),
      laneClosed: (orderly) => counted.push(`closed ${orderly}`),
      protocolBroken: (code) => counted.push(`broken ${code}`),
      observe: () => {},
    },
    transport: 'TCP to seed:1194',
    caFile: '/tls/ca.crt',
    fail: (error) => failures.push(error),
    explain: (text) => `${text}; from the Secret`,
    setTrouble: (trouble) => troubles.push(trouble),
  })
  return { events, counted, failures, troubles }
}

const FINAL = [
  { what: 'a lost TUN', error: new SyscallError('EBADFD', -77, 'read', 'gone') },
  { what: 'a prepared network that does not fit', error: new NetworkError('ERR_NETWORK_NOT_PREPARED', '') },
]
const PASSING = [
  { what: 'a socket option that is refused', error: new SyscallError('EPERM', -1, 'setsockopt', 'no') },
  { what: 'a network that cannot be applied now', error: new NetworkError('ERR_NETWORK_COMMAND', '') },
  { what: 'a reset', error: Object.assign(new Error(), { code: 'ECONNRESET' }) },
]

for (const { what, error, isFinal } of [
  ...FINAL.map((one) => ({ ...one, isFinal: true })),
  ...PASSING.map((one) => ({ ...one, isFinal: false })),
]) {
  t.test(`${what} ends the process${isFinal ? ', whoever notices it' : ' never'}`, async (t) => {
    const { events, failures } = createEvents()
    events.onLaneClosed(SESSION, LANE, { error, isReplaced: false })
    events.onDialFailed(0, new DialError('handshake', 'no', error), 100)
    events.onRefused({ reason: 'internal', remoteAddress: '192.0.2.1', detail: 'no', cause: error })
    t.same(failures, isFinal ? [error, error, error] : [])
  })
}

t.test('counts each end of a lane once, and not that of one that was replaced', async (t) => {
  const { events, counted } = createEvents()
  events.onLaneClosed(SESSION, LANE, { error: undefined, isReplaced: true })
  events.onLaneClosed(SESSION, LANE, { error: undefined, isReplaced: false })
  const broken = new TunnelError('ERR_FRAME_TOO_LARGE', 'too long', { closeCode: 'frame-too-large' })
  events.onLaneClosed(SESSION, LANE, { error: broken, isReplaced: false })
  t.same(counted, ['closed true', 'closed false', 'broken frame-too-large'])
})

t.test(
  'says what keeps it from a session, and which authorities a stranger is not of, until there is one',
  async (t) => {
    const { events, troubles } = createEvents()
    events.onDialFailed(0, new DialError('refused', 'nobody listens'), 100)
    events.onDialFailed(0, new DialError('wrong-ca', "the peer's certificate: CN=x: SELF_SIGNED"), 100)
    events.onSessionOpened(SESSION)
    events.onDialFailed(1, new DialError('refused', 'a second lane'), 100)
    events.onSessionClosed(SESSION, undefined)
    events.onDialFailed(0, new DialError('refused', 'gone'), 100)
    t.same(troubles, [
      'no session: dial failed: refused: nobody listens',
      "no session: dial failed: wrong-ca: the peer's certificate: CN=x: SELF_SIGNED, " +
        'expected one of an authority in /tls/ca.crt; from the Secret',
      undefined,
      'no session: dial failed: refused: gone',
    ])
  },
)
