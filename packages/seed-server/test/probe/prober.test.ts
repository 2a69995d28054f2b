import { EventEmitter, once } from 'node:events'
import { transferAddressOf } from '@reversed-vpn/ip'
import { Prober, probeTargets } from '@reversed-vpn/seed-server/testing'
import t from 'tap'

const INTERVAL_MS = 10_000
const TRANSFER = [transferAddressOf('192.168.123.0/24', 'seed')]
const NETWORKS = { pod: ['100.96.0.0/11'], service: ['100.64.0.0/13'], node: ['10.250.0.0/16'] }
const NODE = '10.250.0.1'
const SERVICE = '100.64.0.1'
const NAMED = { type: 'tcp', host: '100.64.0.10', port: 53 } as const

/** What becomes of one probe: its code, and what the lanes carry meanwhile. */
interface Answer {
  readonly code: string
  readonly toShoot?: number
  readonly toSeed?: number
  readonly tookMs?: number
  /** The session ends before the answer. */
  readonly isLast?: boolean
}

const EXPIRED: Answer = { code: 'EHOSTUNREACH', toShoot: 1, toSeed: 1, tookMs: 4 }
const SILENCE: Answer = { code: 'ETIMEDOUT', toShoot: 3, tookMs: 5000 }

interface Script {
  readonly answers: readonly (Answer | ((address: string) => Answer))[]
  readonly targets?: ReturnType<typeof probeTargets>
}

/** Has the probe run until every answer was given. */
async function probe({ answers, targets = probeTargets(TRANSFER, []) }: Script) {
  const lines: object[] = []
  const failures: (string | undefined)[] = []
  const addresses: string[] = []
  const packets = { toShoot: 7, toSeed: 7 }
  const left = [...answers]
  let [nowMs, isUp] = [0, true]
  const write = (level: string) => (fields: object, msg: string) => lines.push({ level, msg, ...fields })
  const prober: Prober = new Prober({
    targets,
    gate: {
      get isUp() {
        return isUp
      },
      networks: NETWORKS,
      waitUntilUp: async (signal) => {
        signal.throwIfAborted()
        isUp = true
      },
    },
    intervalMs: INTERVAL_MS,
    log: { info: write('info'), warn: write('warn') },
    packets: () => ({ ...packets }),
    knock: async ({ address }) => {
      addresses.push(address)
      const next = left.shift()
      if (next === undefined) throw new Error('one probe more than there are answers')
      const answer = typeof next === 'function' ? next(address) : next
      packets.toShoot += answer.toShoot ?? 0
      packets.toSeed += answer.toSeed ?? 0
      nowMs += answer.tookMs ?? 0
      isUp = answer.isLast !== true
      return answer.code
    },
    onResult: (_, { failure }) => failures.push(failure),
    now: () => nowMs,
    pause: async (ms) => {
      nowMs += ms
      if (left.length === 0) prober.close()
    },
  })
  await prober.run()
  return { lines, failures, addresses, states: [...prober.states.values()] }
}

t.test('what turns bad is told once, after two probes without an answer, and so is its end', async (t) => {
  const { lines } = await probe({ answers: [EXPIRED, SILENCE, SILENCE, SILENCE, EXPIRED, EXPIRED] })
  t.strictSame(lines, [
    {
      level: 'warn',
      msg: 'probe of the tunnel gets no answer',
      target: 'path-ipv4',
      address: SERVICE,
      reason: 'nothing-back',
      code: 'ETIMEDOUT',
    },
    {
      level: 'info',
      msg: 'probe of the tunnel is answered again',
      target: 'path-ipv4',
      address: NODE,
      // From the first that was not answered to the answer.
      lostForMs: 3 * (5000 + INTERVAL_MS) + 4,
    },
  ])
})

t.test('a probe that is lost once is told nobody', async (t) => {
  const { lines, states } = await probe({ answers: [EXPIRED, SILENCE, EXPIRED, SILENCE, EXPIRED] })
  t.strictSame(lines, [])
  t.match(states, [{ failures: 0, failuresInAll: 2, last: { failure: undefined, tookMs: 4 } }])
})

t.test('an answer counts only if a packet came out of the tunnel meanwhile', async (t) => {
  for (const [answer, ofPath, ofTarget] of [
    [{ code: 'connected', toShoot: 2, toSeed: 1 }, undefined, undefined],
    [{ code: 'ECONNREFUSED', toShoot: 1, toSeed: 1 }, undefined, undefined],
    [{ code: 'EHOSTUNREACH', toShoot: 1, toSeed: 1 }, undefined, 'unreachable'],
    [{ code: 'ENETUNREACH', toShoot: 1, toSeed: 1 }, undefined, 'unreachable'],
    [{ code: 'connected' }, 'local', 'local'],
    [{ code: 'ECONNREFUSED' }, 'local', 'local'],
    [{ code: 'EHOSTUNREACH' }, 'local', 'local'],
    // A rule that throws packets away, a firewall, a device that is gone: the kernel here says so at once.
    [{ code: 'EINVAL' }, 'local', 'local'],
    [{ code: 'EPERM', toSeed: 1 }, 'local', 'local'],
    [{ code: 'ETIMEDOUT' }, 'not-sent', 'not-sent'],
    [{ code: 'ETIMEDOUT', toSeed: 4 }, 'not-sent', 'not-sent'],
    [{ code: 'ETIMEDOUT', toShoot: 3 }, 'nothing-back', 'nothing-back'],
    [{ code: 'ETIMEDOUT', toShoot: 3, toSeed: 3 }, 'no-answer', 'no-answer'],
  ] as const) {
    const { failures } = await probe({ answers: [answer, answer], targets: probeTargets(TRANSFER, [NAMED]) })
    t.strictSame(failures, [ofPath, ofTarget], JSON.stringify(answer))
  }
})

t.test('without a session nothing counts', async (t) => {
  const { lines, failures } = await probe({
    answers: [{ ...SILENCE, isLast: true }, { ...SILENCE, isLast: true }, EXPIRED],
  })
  t.strictSame(failures, [undefined])
  t.strictSame(lines, [])
})

t.test('after a failure another network is asked, and the one that answers is kept', async (t) => {
  const byAddress = (address: string) => (address === NODE ? SILENCE : EXPIRED)
  const { addresses, lines } = await probe({ answers: Array.from({ length: 5 }, () => byAddress) })
  t.strictSame(addresses, [NODE, SERVICE, SERVICE, SERVICE, SERVICE])
  t.strictSame(lines, [], 'a host that throws away what is for one of them is no fault of the tunnel')
})

t.test('it ends at once, with a probe under way', async (t) => {
  const events = new EventEmitter()
  const knocked = once(events, 'knock')
  const prober = new Prober({
    targets: probeTargets(TRANSFER, []),
    gate: { isUp: true, networks: NETWORKS, waitUntilUp: async () => {} },
    intervalMs: INTERVAL_MS,
    log: { info: () => t.fail('no line'), warn: () => t.fail('no line') },
    packets: () => ({ toShoot: 0, toSeed: 0 }),
    knock: (_, signal) => {
      events.emit('knock')
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
    onResult: () => t.fail('no result'),
  })
  const running = prober.run()
  await knocked
  prober.close()
  await t.resolves(running)
})
