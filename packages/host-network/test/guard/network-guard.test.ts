import { EventEmitter, once } from 'node:events'
import {
  type Diversion,
  guardNetwork,
  type NetworkDifference,
  type UpdatableNetwork,
} from '@reversed-vpn/host-network'
import t from 'tap'

const FIREWALL: NetworkDifference = { object: 'firewall', words: 'its firewall is gone' }
const ROUTE: NetworkDifference = { object: 'route', words: 'there is no route' }
const DIVERTED: Diversion = {
  network: '100.96.0.0/11',
  rule: 1,
  table: '53',
  route: 'blackhole 100.96.0.0/11',
}

/** A network in memory, its guard, and what the guard did. */
function setUp(isOurs: boolean) {
  const heard = new EventEmitter()
  const state = {
    missing: [] as NetworkDifference[],
    diverted: [] as Diversion[],
    repairs: 0,
    isCarrying: true,
    said: [] as string[],
  }
  let tell: (object: 'firewall' | 'links') => void = () => {}
  const network: UpdatableNetwork<string> = {
    tun: 'vpn0',
    warnings: [],
    compare: async () => [...state.missing],
    findDiversions: async () => {
      heard.emit('asked')
      return [...state.diverted]
    },
    update: async () => tell('firewall'),
    close: async () => [],
    revert: async () => {},
    [Symbol.asyncDispose]: async () => {},
  }
  const repair = async () => {
    state.repairs += 1
    state.missing = []
    // The kernel tells of our own doing as of everyone's.
    tell('firewall')
  }
  const guarded = guardNetwork(isOurs ? { ...network, repair } : network, {
    setCarrying: (isCarrying) => {
      state.isCarrying = isCarrying
      heard.emit(isCarrying ? 'carrying' : 'stopped')
    },
    onRepaired: (missing) => heard.emit('repaired', missing),
    onStanding: (missing) => {
      state.said.push(missing.map(({ words }) => words).join())
      heard.emit('standing')
    },
    onDiverted: (diversions) => heard.emit('diverted', diversions),
    onError: (error) => heard.emit('failed', error),
    intervalMs: 50,
    watchEvents: (_, onChange) => {
      tell = onChange
      return { discard: () => {}, close: () => {} }
    },
  })
  return { heard, state, guarded, tell: (object: 'firewall' | 'links') => tell(object) }
}

t.test('what is missing is put back and told of, and carried is what stands', async (t) => {
  const { heard, state, guarded, tell } = setUp(true)
  await once(heard, 'carrying')
  state.missing = [ROUTE]
  const repaired = once(heard, 'repaired')
  tell('links')
  t.strictSame(await repaired, [[ROUTE]])
  await once(heard, 'carrying')
  t.equal(state.repairs, 1, 'its own doing is no reason to do it again')
  await guarded.close()
})

t.test('it is found without a word of the kernel too', async (t) => {
  const { heard, state, guarded } = setUp(true)
  await once(heard, 'carrying')
  state.missing = [ROUTE]
  t.strictSame(await once(heard, 'repaired'), [[ROUTE]])
  await guarded.close()
})

t.test('a change of the firewall stops carrying before anything is compared', async (t) => {
  const { heard, state, guarded, tell } = setUp(true)
  await once(heard, 'carrying')
  tell('firewall')
  t.equal(state.isCarrying, false)
  await once(heard, 'carrying')
  await guarded.close()
})

t.test('an update is no change of others', async (t) => {
  const { heard, state, guarded } = setUp(true)
  await once(heard, 'carrying')
  const stopped = t.capture(heard, 'emit')
  await guarded.update('other')
  t.equal(state.isCarrying, true)
  t.strictSame(stopped(), [])
  await guarded.close()
})

t.test('what may not be put back is named until it stands again, and nothing is carried', async (t) => {
  const { heard, state, guarded } = setUp(false)
  await once(heard, 'carrying')
  state.missing = [FIREWALL]
  await once(heard, 'standing')
  t.equal(state.isCarrying, false)
  state.missing = []
  await once(heard, 'standing')
  t.equal(state.isCarrying, true)
  t.strictSame(state.said, [FIREWALL.words, ''])
  await guarded.close()
})

t.test('who takes it away again and again is not fought without end', async (t) => {
  const { heard, state, guarded } = setUp(true)
  heard.on('repaired', () => {
    state.missing = [ROUTE]
  })
  state.missing = [ROUTE]
  await once(heard, 'standing')
  t.equal(state.repairs, 5)
  t.equal(state.isCarrying, false)
  await guarded.close()
})

t.test('an interface that is gone is left to who reads from it', async (t) => {
  const { heard, state, guarded } = setUp(true)
  await once(heard, 'carrying')
  state.missing = [{ object: 'interface', words: 'it is gone', isFinal: true }]
  await once(heard, 'standing')
  t.equal(state.isCarrying, true)
  t.equal(state.repairs, 0)
  await guarded.close()
})

t.test('what others keep from the TUN is told once, and told again when it is over', async (t) => {
  const { heard, state, guarded } = setUp(true)
  await once(heard, 'asked')
  state.diverted = [DIVERTED]
  const told: (readonly Diversion[])[] = []
  heard.on('diverted', (diversions) => told.push(diversions))
  await once(heard, 'diverted')
  for (let looks = 0; looks < 3; looks++) await once(heard, 'asked')
  state.diverted = []
  await once(heard, 'diverted')
  t.strictSame(told, [[DIVERTED], []])
  t.equal(state.isCarrying, true, 'what is not diverted is carried')
  await guarded.close()
})

t.test('a route of ours that goes meanwhile is not taken for one of others', async (t) => {
  const { heard, state, guarded, tell } = setUp(true)
  await once(heard, 'asked')
  let isTold = false
  heard.on('diverted', () => {
    isTold = true
  })
  // Asked when the route is gone already, and nothing was heard of it.
  heard.once('asked', () => {
    state.missing = [ROUTE]
    state.diverted = [DIVERTED]
    setImmediate(() => {
      state.diverted = []
    })
    tell('links')
  })
  await once(heard, 'repaired')
  await once(heard, 'asked')
  t.equal(isTold, false)
  await guarded.close()
})
