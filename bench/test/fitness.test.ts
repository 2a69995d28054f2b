import t from 'tap'
import { PEERS } from '../src/peers/catalog.js'
import { SCENARIOS } from '../src/scenarios/catalog.js'
import { reasonAgainst, reasonAgainstInSmoke } from '../src/scenarios/fitness.js'

/** The scenarios that a peer has a part in, and the reasons against the others. */
function fitnessOf(name: string) {
  const peer = PEERS.find((one) => one.name === name)
  if (peer === undefined) throw new Error(`no peer ${name}`)
  const reasons = SCENARIOS.map((scenario) => ({
    name: scenario.name,
    reason: reasonAgainst(peer, scenario),
  }))
  return {
    takesPart: reasons.filter(({ reason }) => reason === undefined).map(({ name }) => name),
    reasons: new Set(reasons.map(({ reason }) => reason).filter((reason) => reason !== undefined)),
  }
}

t.test('our tunnel takes part in every scenario', async (t) => {
  t.equal(fitnessOf('ours').takesPart.length, SCENARIOS.length)
})

t.test('a relay of TCP carries neither datagrams nor pings, and it is told why', async (t) => {
  const { takesPart, reasons } = fitnessOf('haproxy-relay')
  t.ok(takesPart.includes('tcp-32-to-seed'))
  t.ok(takesPart.includes('ping-pong'))
  t.notOk(takesPart.some((name) => /^(udp|rtt|egress)-/.test(name)))
  t.ok(reasons.has('relays TCP connections and no packets'))
})

t.test('what the egress proxy is held against is measured for that alone', async (t) => {
  const { takesPart } = fitnessOf('haproxy-egress')
  t.ok(takesPart.length > 0)
  t.ok(takesPart.every((name) => name.startsWith('egress-')))
})

t.test('a smoke run has every peer and every scenario', async (t) => {
  const pairs = PEERS.flatMap((peer) =>
    SCENARIOS.filter((scenario) => reasonAgainstInSmoke(peer, scenario) === undefined).map((scenario) => ({
      peer,
      scenario,
    })),
  )
  t.equal(new Set(pairs.map(({ peer }) => peer)).size, PEERS.length)
  t.equal(new Set(pairs.map(({ scenario }) => scenario)).size, SCENARIOS.length)
})
