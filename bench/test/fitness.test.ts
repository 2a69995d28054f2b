import t from 'tap'
import { PEERS } from '../peers/catalog.js'
import { SCENARIOS } from '../scenarios/catalog.js'
import { reasonAgainst, reasonAgainstInSmoke } from '../scenarios/fitness.js'

/** The scenarios that a peer is measured in, and the reasons against the others. */
function fitnessOf(name: string) {
  const peer = PEERS.find((one) => one.name === name)
  if (peer === undefined) throw new Error(`no peer ${name}`)
  const reasons = SCENARIOS.map((scenario) => ({
    name: scenario.name,
    reason: reasonAgainst(peer, scenario),
  }))
  return {
    measured: reasons.filter(({ reason }) => reason === undefined).map(({ name }) => name),
    reasons: new Set(reasons.map(({ reason }) => reason).filter((reason) => reason !== undefined)),
  }
}

t.test('our tunnel is measured in every scenario', async (t) => {
  t.equal(fitnessOf('ours').measured.length, SCENARIOS.length)
})

t.test('a relay of TCP is not measured with datagrams or pings, and the reason is given', async (t) => {
  const { measured, reasons } = fitnessOf('haproxy-relay')
  t.ok(measured.includes('tcp-32-to-seed'))
  t.ok(measured.includes('ping-pong'))
  t.notOk(measured.some((name) => /^(udp|rtt|egress)-/.test(name)))
  t.ok(reasons.has('relays TCP connections but no packets'))
})

t.test('the reference for the egress proxy is measured with egress scenarios only', async (t) => {
  const { measured } = fitnessOf('haproxy-egress')
  t.ok(measured.length > 0)
  t.ok(measured.every((name) => name.startsWith('egress-')))
})

t.test('a proxy without routes has no reference for itself', async (t) => {
  const { measured, reasons } = fitnessOf('konnectivity')
  t.ok(measured.includes('egress-many-2000-still-200'))
  t.notOk(measured.some((name) => !name.startsWith('egress-') || name.startsWith('egress-routed-')))
  t.ok(reasons.has('carries nothing without its proxy'))
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
