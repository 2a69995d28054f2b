import {
  type DecidingRule,
  dropsTunnel,
  readIptablesRule,
  readNftRule,
} from '@reversed-vpn/host-network/testing'
import t from 'tap'

const DROP: DecidingRule = { verdict: 'drop' }
const FORWARD = { hook: 'forward', policy: 'accept', tun: 'vpn0' } as const

function match(key: string, right: unknown, op = '==') {
  return { match: { op, left: { meta: { key } }, right } }
}

t.test('rules of nftables that decide for all packets, or for all of an interface, are read', (t) => {
  const counter = { counter: { packets: 1, bytes: 60 } }
  const cases = [
    { expressions: [{ drop: null }], rule: DROP },
    { expressions: [counter, { reject: { type: 'icmpx', expr: 'port-unreachable' } }], rule: DROP },
    { expressions: [{ log: { prefix: 'x' } }, counter, { accept: null }], rule: { verdict: 'accept' } },
    { expressions: [match('nfproto', 'ipv4'), { drop: null }], rule: DROP },
    { expressions: [match('iifname', 'vpn0'), counter, { drop: null }], rule: { ...DROP, iif: ['vpn0'] } },
    {
      expressions: [match('oif', { set: ['eth0', 'vpn0'] }), { drop: null }],
      rule: { ...DROP, oif: ['eth0', 'vpn0'] },
    },
    { expressions: [{ goto: { target: 'other' } }], rule: { verdict: 'policy' } },
    // iptables-nft
    { expressions: [counter, { xt: { type: 'target', name: 'REJECT' } }], rule: DROP },
    { expressions: [{ xt: { type: 'match', name: 'comment' } }, counter, { drop: null }], rule: DROP },
  ] as const
  for (const { expressions, rule } of cases)
    t.strictSame(readNftRule(expressions), rule, JSON.stringify(expressions))
  t.end()
})

t.test('rules that look at more of a packet, or decide nothing, are left out', (t) => {
  for (const expressions of [
    [{ match: { op: 'in', left: { ct: { key: 'state' } }, right: 'new' } }, { drop: null }],
    [match('iifname', 'vpn0', '!='), { drop: null }],
    [match('mark', 5), { drop: null }],
    [{ limit: { rate: 5, burst: 5, per: 'second' } }, { drop: null }],
    [{ jump: { target: 'other' } }],
    [{ xt: { type: 'match', name: 'conntrack' } }, { drop: null }],
    [{ xt: { type: 'target', name: 'CT' } }],
    [{ counter: { packets: 0, bytes: 0 } }],
  ]) {
    t.equal(readNftRule(expressions), undefined, JSON.stringify(expressions))
  }
  t.end()
})

t.test('those of iptables-legacy are read from the way it writes them', (t) => {
  const cases: [string, DecidingRule | undefined][] = [
    ['-A FORWARD -j DROP', DROP],
    ['-A FORWARD -j REJECT --reject-with icmp-port-unreachable', DROP],
    ['-A FORWARD -i vpn+ -j ACCEPT', { verdict: 'accept', iif: ['vpn*'] }],
    ['-A FORWARD -o vpn0 -m comment --comment "of ours" -j DROP', { ...DROP, oif: ['vpn0'] }],
    ['-A FORWARD -s 10.0.0.0/8 -j DROP', undefined],
    ['-A FORWARD ! -i vpn0 -j DROP', undefined],
    ['-A FORWARD -j DROPPER', undefined],
    ['-P FORWARD DROP', undefined],
  ]
  for (const [line, rule] of cases) {
    t.strictSame(readIptablesRule(line), rule && { chain: 'FORWARD', rule }, line)
  }
  t.end()
})

t.test('a chain drops by its policy or by a rule, whichever a packet meets', (t) => {
  const accepts = (end: 'iif' | 'oif', name = 'vpn0'): DecidingRule => ({ verdict: 'accept', [end]: [name] })
  const dropping = { ...FORWARD, policy: 'drop' }
  t.equal(dropsTunnel([], FORWARD), false)
  t.equal(dropsTunnel([], dropping), true)
  t.equal(dropsTunnel([{ verdict: 'policy' }, DROP], FORWARD), false)
  t.equal(dropsTunnel([accepts('iif'), DROP], FORWARD), true, 'what goes to the TUN is dropped')
  t.equal(dropsTunnel([accepts('iif'), accepts('oif'), DROP], FORWARD), false)
  t.equal(dropsTunnel([accepts('iif', 'vp*'), accepts('oif')], dropping), false)
  t.equal(dropsTunnel([accepts('iif', 'eth0'), accepts('oif')], dropping), true)
  t.equal(dropsTunnel([{ ...DROP, iif: ['vpn0'] }], FORWARD), true)
  t.equal(dropsTunnel([{ ...DROP, iif: ['vpn0'], oif: ['eth0'] }], FORWARD), false, 'not all of it')
  t.equal(dropsTunnel([accepts('iif')], { ...dropping, hook: 'input' }), false)
  t.equal(dropsTunnel([accepts('iif')], { ...dropping, hook: 'output' }), true)
  t.end()
})
