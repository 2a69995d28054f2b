import type { SeedNetworkPlan, ShootNetworkPlan } from '@reversed-vpn/host-network'
import { parseMark, renderMark, type SetupMark } from '@reversed-vpn/host-network/testing'
import t from 'tap'
import { ADDRESS, type Host, NetworkLab, PLAN, skip, TUN } from './network-lab.js'

const OWNER = { uid: 65_532 }
const SIDES = ['seed', 'shoot'] as const
const SET_UP = { seed: 'setUpSeed', shoot: 'setUpShoot' } as const
const CHECK = { seed: 'checkSeed', shoot: 'checkShoot' } as const

/** A lab without TUNs. */
async function createLab(): Promise<NetworkLab> {
  const lab = await NetworkLab.create()
  await lab.removeTuns()
  return lab
}

async function aliasOf(host: Host): Promise<string> {
  const { stdout } = await host.run(`ip -json link show dev ${TUN}`)
  return (JSON.parse(stdout) as { ifalias?: string }[])[0]?.ifalias ?? ''
}

async function isThere(host: Host): Promise<boolean> {
  return (await host.run(`ip link show dev ${TUN}`)).code === 0
}

for (const side of SIDES) {
  t.test(`what was set up for the ${side} side`, { skip }, async (t) => {
    await using lab = await createLab()
    const host = lab[side]
    const before = await host.snapshot()
    await host.call(SET_UP[side], { plan: PLAN, owner: OWNER })
    const prepared = await host.snapshot()
    const alias = await aliasOf(host)

    await t.test('is what the same plan checks for, and the same after a second time', async (t) => {
      t.not(prepared, before)
      t.match(await host.run(`ip -details link show dev ${TUN}`), {
        stdout: /vnet_hdr on multi_queue numqueues 0 numdisabled 0 persist on user 65532/,
      })
      await host.call(CHECK[side], PLAN)
      t.match(await host.call(SET_UP[side], { plan: PLAN, owner: OWNER }), { isNew: false, warnings: [] })
      t.equal(await host.snapshot(), prepared)
      t.equal(await aliasOf(host), alias)
    })

    await t.test('differs from what another plan wants', async (t) => {
      const { networks } = PLAN
      const cases: [Partial<SeedNetworkPlan & ShootNetworkPlan>, RegExp][] = [
        [{ mtu: 1400 }, /its MTU is 1500, expected 1400$/],
        [
          {
            seedAddresses: ['192.168.124.1/24', 'fd8f:6d53:b97a:1::1/112'],
            shootAddresses: ['192.168.124.2/24', 'fd8f:6d53:b97a:1::2/112'],
          },
          /its addresses are 192\.168\.123\..*, expected 192\.168\.124\./,
        ],
        [
          { networks: { ...networks, node: [] } },
          /it is not for the networks 10\.0\.0\.0\/16 \(pod\), fd01::\/64 \(pod\), /,
        ],
        [
          { networks: { ...networks, node: [], service: [...networks.service, ...networks.node] } },
          /it is not for the networks/,
        ],
        ...(side === 'seed'
          ? ([
              [
                { routedFrom: ['eth0', '192.0.2.0/24'] },
                /it is not for packets routed from 192\.0\.2\.0\/24, eth0$/,
              ],
            ] satisfies [Partial<SeedNetworkPlan>, RegExp][])
          : ([
              [{ egressInterface: 'eth0' }, /its egress interface is auto, expected eth0$/],
              [{ ownPorts: [15001] }, /its firewall protects the ports none, expected 15001$/],
            ] satisfies [Partial<ShootNetworkPlan>, RegExp][])),
      ]
      for (const [other, message] of cases) {
        const expected = { code: 'ERR_NETWORK_NOT_PREPARED', message }
        await t.rejects(host.call(CHECK[side], { ...PLAN, ...other }), expected, `${message}`)
      }
      t.equal(await host.snapshot(), prepared, 'and nothing was changed')
      if (side === 'shoot') return
      const plan = { ...PLAN, routedFrom: ['eth0'] }
      await host.call('setUpSeed', { plan, owner: OWNER })
      await host.call('checkSeed', plan)
      await t.rejects(host.call('checkSeed', PLAN), { message: /it takes routed packets, expected none$/ })
      await host.call('setUpSeed', { plan: PLAN, owner: OWNER })
      t.equal(await host.snapshot(), prepared)
    })

    await t.test('is not taken for whole when a part is missing, and is mended by setup', async (t) => {
      const mark = parseMark(alias) as SetupMark
      const written = (changed: Partial<SetupMark>) => renderMark({ ...mark, ...changed })
      const other = side === 'seed' ? 'shoot' : 'seed'
      const { plan: _, ...unfinished } = mark
      const damages: [string[], RegExp][] = [
        [['ip', 'link', 'set', TUN, 'down'], /expected|it is down$/],
        [['ip', 'address', 'del', `${ADDRESS[side][4]}/24`, 'dev', TUN], /its addresses are fd8f:/],
        [
          ['ip', 'route', 'del', 'blackhole', '192.168.123.0/24'],
          /there is no route "blackhole 192\.168\.123\.0\/24 /,
        ],
        [['ip', 'link', 'set', TUN, 'alias', renderMark(unfinished)], /setup did not finish$/],
        [
          [
            'ip',
            'link',
            'set',
            TUN,
            'alias',
            written({ plan: { ...mark.plan, firewall: '0' } as SetupMark['plan'] & object }),
          ],
          /its firewall was made by another version$/,
        ],
        ...(side === 'seed'
          ? ([
              [
                ['ip', 'rule', 'del', 'pref', '11940', 'from', ADDRESS.seed[4]],
                /there is no rule "pref 11940 from 192/,
              ],
            ] satisfies [string[], RegExp][])
          : ([
              [
                ['sysctl', '-qw', 'net.ipv6.conf.all.forwarding=0'],
                /net\.ipv6\.conf\.all\.forwarding is off, expected 1$/,
              ],
            ] satisfies [string[], RegExp][])),
      ]
      for (const [command, message] of damages) {
        t.equal((await host.runWords(command)).code, 0, command.join(' '))
        const expected = { code: 'ERR_NETWORK_NOT_PREPARED', message }
        await t.rejects(host.call(CHECK[side], PLAN), expected, command.join(' '))
        await host.call(SET_UP[side], { plan: PLAN, owner: OWNER })
        t.equal(await host.snapshot(), prepared, 'mended')
        await host.call(CHECK[side], PLAN)
      }
      await host.runWords(['ip', 'link', 'set', TUN, 'alias', written({ side: other })])
      await t.rejects(host.call(CHECK[side], PLAN), { message: new RegExp(`it is for the ${other} side`) })
      await t.rejects(host.call(SET_UP[side], { plan: PLAN, owner: OWNER }), { code: 'ERR_TUN_NOT_OURS' })
      await host.runWords(['ip', 'link', 'set', TUN, 'alias', alias])
    })

    await t.test('is opened once, and gets another owner only when it is closed', async (t) => {
      const opened = await host.call('openDevice', 'auto')
      t.match(opened, { isPrepared: true, accepts: ['checksum', 'tso4', 'tso6'] })
      await t.rejects(host.call('openDevice', 'auto'), { code: 'ERR_TUN_IN_USE' })
      await t.rejects(host.call('openDevice', 'own'), { code: 'EBUSY' })
      const request = { plan: PLAN, owner: { uid: 4711, gid: 4711 } }
      const inUse = { code: 'ERR_TUN_IN_USE', message: /belongs to uid 65532;/ }
      await t.rejects(host.call(SET_UP[side], request), inUse)
      t.equal(await host.snapshot(), prepared, 'nothing was changed')
      await host.kill()
      await host.start()
      t.match(await host.call(SET_UP[side], request), { isNew: true })
      t.equal(await host.snapshot(), prepared)
      t.match(parseMark(await aliasOf(host)), { uid: 4711, gid: 4711 })
    })

    await t.test('is gone without a trace once it is taken away, however often', async (t) => {
      for (const _ of [1, 2]) {
        await host.call('removeSetUp', TUN)
        t.equal(await isThere(host), false)
        t.equal(await host.snapshot(), before)
      }
      await t.rejects(host.call('openDevice', 'prepared'), {
        message: /^there is no interface vpn0, expected/,
      })
    })

    await t.test('is nothing at all when it fails halfway, but for what caught packets before', async (t) => {
      const readOnly = 'mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys'
      // A seed side forwards only for callers that are routed.
      const request = {
        plan: { ...PLAN, ...(side === 'seed' ? { routedFrom: ['eth0'] } : {}) },
        owner: OWNER,
      }
      const fails = async () => {
        await t.rejects(host.call(SET_UP[side], request), { code: 'ERR_FORWARDING_DISABLED' })
        t.equal(await isThere(host), false)
        return host.snapshot()
      }
      await host.call(SET_UP[side], request)
      await host.kill()
      await host.start(readOnly)
      await host.setUp('sysctl -qw net.ipv6.conf.all.forwarding=0')
      const caught = await fails()
      t.match(caught, /^blackhole 192\.168\.123\.0\/24 /m)
      t.notMatch(caught, 'table inet reversed_vpn')
      t.equal(await fails(), caught, 'the next one too')
      await host.call('removeSetUp', TUN)
      t.equal(await fails(), before, 'a new one')
    })
  })
}

t.test('an interface of others is not touched', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { seed } = lab
  const before = await seed.snapshot()
  const notOurs = { code: 'ERR_TUN_NOT_OURS', message: 'interface vpn0 exists and was not made by setup' }
  await t.rejects(seed.call('setUpSeed', { plan: PLAN, owner: OWNER }), notOurs)
  await t.rejects(seed.call('removeSetUp', TUN), notOurs)
  await t.rejects(seed.call('openDevice', 'prepared'), { code: 'ERR_NETWORK_NOT_PREPARED' })
  await t.rejects(seed.call('openDevice', 'auto'), { code: 'EBUSY' })
  await t.rejects(seed.call('checkSeed', PLAN), {
    message: 'interface vpn0 is not set up for these options: it was not made by setup',
  })
  t.equal(await seed.snapshot(), before)
})

t.test('what would cut the machine off is not set up', { skip }, async (t) => {
  await using lab = await createLab()
  const { seed } = lab
  const before = await seed.snapshot()
  const plan = { ...PLAN, networks: { ...PLAN.networks, node: ['192.0.2.0/24'] } }
  await t.rejects(seed.call('setUpSeed', { plan, owner: OWNER }), { code: 'ERR_NETWORK_CONFLICT' })
  t.equal(await isThere(seed), false)
  t.equal(await seed.snapshot(), before)
})
