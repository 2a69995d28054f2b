import t from 'tap'
import { ADDRESS, type Host, NAME_SERVER, NetworkLab, PLAN, skip, TUN } from './network-lab.js'

const SIDES = ['seed', 'shoot'] as const
const APPLY = { seed: 'applySeed', shoot: 'applyShoot' } as const
const FAMILIES = [4, 6] as const
const { pod, service, node } = PLAN.networks
const TRANSFER = ['192.168.123.0/24', 'fd8f:6d53:b97a:1::/112']
/** Networks of which no packet leaves by another route once there is no TUN. */
const CAUGHT = { seed: [...pod, ...service, ...node, ...TRANSFER], shoot: TRANSFER } as const

for (const side of SIDES) {
  t.test(`the ${side} side`, { skip }, async (t) => {
    await using lab = await NetworkLab.create()
    const host = lab[side]
    // A firewall and routes of others, which stay as they are.
    await host.setUp(`nft add table inet other
      ip rule add pref 100 from 203.0.113.1 lookup 100
      ip route add blackhole 203.0.113.0/24`)
    const before = await host.snapshot()

    await t.test('is the same after it was applied twice', async (t) => {
      await host.call(APPLY[side], PLAN)
      const once = await host.snapshot()
      t.not(once, before)
      t.match(once, `table inet reversed_vpn_${TUN}`)
      await host.call(APPLY[side], PLAN)
      t.equal(await host.snapshot(), once)
    })
    await t.test('is replaced by another plan as if it had been the first', async (t) => {
      const other = {
        ...PLAN,
        seedAddresses: ['192.168.124.1/24'],
        shootAddresses: ['192.168.124.2/24'],
        networks: { pod: ['10.1.0.0/16', '10.2.3.4/32'], service: [], node: [] },
      }
      await host.call(APPLY[side], other)
      const replaced = await host.snapshot()
      await host.call('closeApplied')
      await host.call(APPLY[side], other)
      t.equal(replaced, await host.snapshot())
      t.notMatch(replaced, 'fd8f:')
      t.notMatch(replaced, '10.96.0.0', 'nor what caught packets of networks that are not wanted any more')
    })
    await t.test('becomes another one in place, or stays when that one cannot be had', async (t) => {
      const other = { ...PLAN, networks: { pod: ['10.1.0.0/16', '10.2.3.4/32'], service: [], node: [] } }
      await host.call(APPLY[side], other)
      const wanted = await host.snapshot()
      await host.call('closeApplied')
      await host.call(APPLY[side], PLAN)
      const first = await host.snapshot()
      await host.call('update', other)
      t.equal(await host.snapshot(), wanted)
      await host.call('update', PLAN)
      t.equal(await host.snapshot(), first)
      const covering = { ...PLAN, networks: { pod: ['0.0.0.0/0'], service: [], node: [] } }
      await t.rejects(host.call('update', covering), { code: 'ERR_NETWORK_PLAN_INVALID' })
      t.equal(await host.snapshot(), first)
    })
    await t.test(
      'is gone after close but for what catches packets, and without a trace once it is swept',
      async (t) => {
        await host.call(APPLY[side], PLAN)
        const caught = await host.call('closeApplied')
        t.same(caught.toSorted(), CAUGHT[side].toSorted())
        const closed = await host.snapshot()
        t.notMatch(closed, `table inet reversed_vpn_${TUN}`)
        t.notMatch(closed, `dev ${TUN}`)
        for (const network of CAUGHT[side]) t.match(closed, `blackhole ${network} `)
        await host.call('closeApplied')
        t.equal(await host.snapshot(), closed)
        for (const _ of [1, 2]) {
          await host.call('removeSetUp', 'vpn1')
          t.equal(await host.snapshot(), closed, 'those of another TUN stay')
        }
        for (const _ of [1, 2]) {
          await host.call('sweep', TUN)
          t.equal(await host.snapshot(), before)
        }
      },
    )
    await t.test(
      'is taken back whole by a start that fails, but for what caught packets before',
      async (t) => {
        await host.call(APPLY[side], PLAN)
        await host.call('revertApplied')
        t.equal(await host.snapshot(), before)
        await host.call(APPLY[side], PLAN)
        await host.call('closeApplied')
        const closed = await host.snapshot()
        await host.call(APPLY[side], PLAN)
        await host.call('revertApplied')
        t.equal(await host.snapshot(), closed)
        await host.call('sweep', TUN)
      },
    )
    await t.test('is closed in the same way when the TUN went first', async (t) => {
      await host.call(APPLY[side], PLAN)
      await host.call('closeApplied')
      const closed = await host.snapshot()
      await host.call(APPLY[side], PLAN)
      await lab.removeTuns()
      await host.call('closeApplied')
      t.equal(await host.snapshot(), closed)
      await host.call('sweep', TUN)
      t.equal(await host.snapshot(), before)
    })
    await t.test('is swept, or applied again, after a crash', async (t) => {
      await lab.joinTuns()
      await host.call(APPLY[side], PLAN)
      const applied = await host.snapshot()
      await host.kill()
      await lab.removeTuns()
      await lab.joinTuns()
      await host.start()
      await host.call(APPLY[side], PLAN)
      t.equal(await host.snapshot(), applied)
      await host.kill()
      await host.start()
      await host.call('sweep', TUN)
      t.equal(await host.snapshot(), before)
    })
    await t.test('switches IPv6 on for the TUN, as containers often have it off', async (t) => {
      await host.setUp(`sysctl -qw net.ipv6.conf.${TUN}.disable_ipv6=1`)
      await host.call(APPLY[side], PLAN)
      t.match((await host.run(`ip -6 -brief address show ${TUN}`)).stdout, ADDRESS[side][6])
      await host.call('sweep', TUN)
    })
    await t.test('leaves nothing when it fails halfway', async (t) => {
      await host.setUp(`sysctl -qw net.ipv6.conf.${TUN}.disable_ipv6=1`)
      await host.kill()
      await host.start('mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys')
      await t.rejects(host.call(APPLY[side], PLAN), {
        code: 'ERR_IPV6_DISABLED',
        message: /^net\.ipv6\.conf\.vpn0\.disable_ipv6 is 1 and could not be set to 0/,
      })
      t.equal(await host.snapshot(), before)
      t.notMatch((await host.run(`ip link show ${TUN}`)).stdout, /[<,]UP[,>]/)
    })
    await t.test('needs the TUN', async (t) => {
      await lab.removeTuns()
      await t.rejects(host.call(APPLY[side], PLAN), { code: 'ERR_TUN_MISSING', message: /vpn0/ })
      t.equal(await host.snapshot(), before)
    })
  })
}

t.test('a TUN that dies', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { caller, seed, shoot, pod } = lab
  await seed.call('applySeed', PLAN)
  await shoot.call('applyShoot', PLAN)
  await caller.call('listen', 8080)
  await pod.call('listen', 8080)
  // The caller would answer for the pod, were anything to leak to it.
  for (const address of [`${ADDRESS.pod[4]}/32`, `${ADDRESS.pod[6]}/128`, '192.168.123.1/32']) {
    await caller.setUp(`ip address add ${address} dev lo`)
  }
  await pod.setUp('ip address add 192.168.123.1/32 dev lo')
  await lab.removeTuns()

  for (const family of FAMILIES) {
    await t.test(`IPv${family}: leaves no route from the seed to the shoot's networks`, async (t) => {
      t.equal(await seed.call('connect', { host: ADDRESS.pod[family], port: 8080 }), 'EINVAL')
    })
    await t.test(`IPv${family}: leaves no route from the shoot to the transfer network`, async (t) => {
      t.equal(await shoot.call('connect', { host: ADDRESS.seed[family], port: 8080 }), 'EINVAL')
    })
  }
})

t.test('a connected network inside a network of the shoot', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { caller, seed, shoot, pod } = lab
  await seed.call('applySeed', PLAN)
  await shoot.call('applyShoot', PLAN)
  await caller.call('listen', 8080)
  await pod.call('listen', 8080)
  await caller.setUp('ip address add 10.0.0.5/32 dev lo')
  await seed.setUp('ip route add 10.0.0.0/24 via 192.0.2.2')
  await t.test('wins in the main table and not for the transfer address', async (t) => {
    t.same(await seed.call('compare'), [], 'it is no fault')
    t.equal(await seed.call('connect', { host: ADDRESS.pod[4], port: 8080 }), '192.0.2.1')
    const localAddress = ADDRESS.seed[4]
    t.equal(await seed.call('connect', { host: ADDRESS.pod[4], port: 8080, localAddress }), ADDRESS.egress[4])
  })
})

t.test('without our routes and what stands behind them', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { caller, seed, shoot } = lab
  await seed.call('applySeed', PLAN)
  await shoot.call('applyShoot', PLAN)
  await caller.call('listen', 8080)
  for (const family of [4, 6] as const) {
    await caller.setUp(`ip address add ${ADDRESS.pod[family]} dev lo`)
    await seed.setUp(`ip -${family} route flush table all proto 119`)
    await t.test(`IPv${family}: nothing for the shoot leaves by the default route`, async (t) => {
      const before = await seed.call('dropCount', 'beside_tunnel')
      t.equal(await seed.call('knock', { host: ADDRESS.pod[family], port: 8080 }), 'ETIMEDOUT')
      t.ok((await seed.call('dropCount', 'beside_tunnel')) > before)
    })
  }
})

t.test('networks that collide', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { seed, shoot } = lab
  const before = await seed.snapshot()
  const refused = async (network: string, message: RegExp) => {
    const plan = { ...PLAN, networks: { ...PLAN.networks, node: [network] }, peerAddresses: ['203.0.113.7'] }
    await t.rejects(seed.call('applySeed', plan), { code: 'ERR_NETWORK_CONFLICT', message })
  }
  await refused('192.0.2.1/32', /^node network 192\.0\.2\.1\/32 covers 192\.0\.2\.1, address of eth0$/)
  await refused('192.0.2.2/31', /covers 192\.0\.2\.2, default gateway on eth0$/)
  await refused('2001:db8:1::/126', /covers 2001:db8:1::1, address of eth0$/)
  await refused('203.0.113.0/29', /covers 203\.0\.113\.7, address of the tunnel's peer$/)
  await refused(`${NAME_SERVER}/32`, /covers 203\.0\.113\.53, name server in \/etc\/resolv\.conf$/)
  await refused('127.0.0.0/9', /covers 127\.0\.0\.1, address of lo$/)
  t.equal(await seed.snapshot(), before)

  await shoot.setUp('ip address add 192.168.123.77/32 dev lo')
  await t.rejects(shoot.call('applyShoot', PLAN), {
    code: 'ERR_NETWORK_CONFLICT',
    message: 'transfer network 192.168.123.0/24 covers 192.168.123.77, address of lo',
  })
})

t.test('what the machine has to offer', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { shoot } = lab
  const forwarding = async (host: Host) =>
    (await host.run('sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding')).stdout
  const inMountNamespace = async (prepare: string) => {
    await shoot.kill()
    await shoot.start(prepare)
  }
  const before = await shoot.snapshot()

  await t.test('IPv6 forwarding that is off and can’t be switched on is named', async (t) => {
    await inMountNamespace('mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys')
    t.equal(await forwarding(shoot), '0\n0\n')
    await t.rejects(shoot.call('applyShoot', PLAN), {
      code: 'ERR_FORWARDING_DISABLED',
      message:
        /^net\.ipv6\.conf\.all\.forwarding is off and could not be set to 1 \(EROFS\), .* allow_ip_forwarding /,
    })
    t.equal(await shoot.snapshot(), before)
  })
  await t.test('IPv4 is switched on where it is needed alone, if sysctls can’t be written', async (t) => {
    const networks = { pod: ['10.0.0.0/16'], service: [], node: [] }
    const byInterface = async () => {
      const names = ['eth0', 'near0', TUN].map((device) => `net.ipv4.conf.${device}.forwarding`)
      return (await shoot.runWords(['sysctl', '-n', ...names])).stdout
    }
    await shoot.setUp(`ip link add near0 type veth peer name far0
      ip address add 10.0.7.1/24 dev near0
      ip link set far0 up
      ip link set near0 up`)
    const switchOff = () => shoot.setUp('sysctl -qw net.ipv4.ip_forward=1\nsysctl -qw net.ipv4.ip_forward=0')
    await switchOff()
    await shoot.call('applyShoot', { ...PLAN, networks, egressInterface: 'near0' })
    t.equal(await byInterface(), '0\n1\n1\n', 'the one interface that packets may leave by')
    await switchOff()
    await shoot.call('applyShoot', { ...PLAN, networks })
    t.equal(await byInterface(), '1\n1\n1\n', 'those that routes lead to')
    t.equal(await forwarding(shoot), '0\n0\n')
    await shoot.call('closeApplied')
    await shoot.setUp(`ip link delete near0
      sysctl -qw net.ipv4.ip_forward=1`)
  })
  await t.test('forwarding that is on needs no writing, nor does the family that is not used', async (t) => {
    const networks = { pod: ['10.0.0.0/16'], service: [], node: [] }
    await shoot.call('applyShoot', { ...PLAN, networks })
    t.equal(await forwarding(shoot), '1\n0\n')
    await shoot.call('closeApplied')
  })
  await t.test('forwarding is switched on and stays on', async (t) => {
    await inMountNamespace('true')
    await shoot.call('applyShoot', PLAN)
    await shoot.call('closeApplied')
    t.equal(await forwarding(shoot), '1\n1\n')
  })
  await t.test('a default route learned from router advertisements is not lost to forwarding', async (t) => {
    await shoot.setUp(`sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv6.conf.eth0.accept_ra=1
      ip -6 route replace default via fe80::1 dev eth0 proto ra metric 512`)
    await shoot.call('applyShoot', PLAN)
    t.equal((await shoot.run('sysctl -n net.ipv6.conf.eth0.accept_ra')).stdout, '2\n')
    await shoot.call('closeApplied')
  })
  await t.test('strict rp_filter of the whole machine becomes a warning', async (t) => {
    t.same(await shoot.call('applyShoot', PLAN), [])
    await shoot.setUp('sysctl -qw net.ipv4.conf.all.rp_filter=1')
    t.match(await shoot.call('applyShoot', PLAN), [
      { message: /reverse path filter/, sysctl: 'net.ipv4.conf.all.rp_filter', value: '1' },
    ])
    await shoot.call('closeApplied')
  })
  await t.test('a tool that is not installed is named with its package', async (t) => {
    await inMountNamespace('mount -t tmpfs none /usr/sbin')
    await t.rejects(shoot.call('applyShoot', PLAN), {
      code: 'ERR_NETWORK_TOOL_MISSING',
      message: 'nft is not installed (Debian package nftables)',
    })
  })
})
