import type { DropCounter } from '@reversed-vpn/host-network/testing'
import t, { type Test } from 'tap'
import { ADDRESS, NetworkLab, openSide, PLAN, skip, TUN, until } from './network-lab.js'

const PORT = 8080
const FAMILIES = [4, 6] as const

t.test('both sides applied', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { caller, seed, shoot, pod } = lab
  // The strictest setting there is; what follows has to work under it.
  for (const host of [seed, shoot]) await host.setUp('sysctl -qw net.ipv4.conf.all.rp_filter=1')
  await seed.call('applySeed', { ...PLAN, routedFrom: [`${ADDRESS.caller[4]}/32`, '2001:db8:1::/64'] })
  await shoot.call('applyShoot', { ...PLAN, ownPorts: [15_001] })
  for (const host of lab.hosts) await host.call('listen', PORT)

  for (const family of FAMILIES) {
    await t.test(
      `IPv${family}: a socket on the transfer address reaches a pod, which sees the shoot side`,
      async (t) => {
        const localAddress = ADDRESS.seed[family]
        const seen = await seed.call('connect', { host: ADDRESS.pod[family], port: PORT, localAddress })
        t.equal(seen, ADDRESS.egress[family])
      },
    )
    await t.test(`IPv${family}: a socket that is bound to nothing takes the transfer address`, async (t) => {
      t.equal(await seed.call('connect', { host: ADDRESS.node[family], port: PORT }), ADDRESS.seed[family])
    })
    await t.test(
      `IPv${family}: a caller routed through the seed is masqueraded to the transfer address`,
      async (t) => {
        t.equal(
          await caller.call('connect', { host: ADDRESS.node[family], port: PORT }),
          ADDRESS.seed[family],
        )
      },
    )
    await t.test(`IPv${family}: pings of pods and nodes are answered`, async (t) => {
      for (const target of [ADDRESS.pod, ADDRESS.node]) {
        t.match(await seed.run(`ping -n -c 1 -W 20 ${target[family]}`), { code: 0 })
      }
    })
    await t.test(
      `IPv${family}: a segment of a pod that is out of window does not end its stream`,
      async (t) => {
        const before = await shoot.call('dropCount', 'conntrack_invalid')
        // The first two leave with other sequence numbers, of which one is above the window; sent again they are as they were.
        await pod.setUp('nft add table inet astray')
        await pod.setUp('nft add chain inet astray out { type filter hook postrouting priority 0 ; }')
        for (const sequence of [12_345, 0x8000_0000 + 12_345]) {
          const once = `tcp sport ${PORT} tcp flags & (psh | fin) != 0 limit rate 1/hour burst 1 packets`
          await pod.setUp(`nft add rule inet astray out ${once} tcp sequence set ${sequence} accept`)
        }
        const localAddress = ADDRESS.seed[family]
        const seen = await seed.call('connect', { host: ADDRESS.pod[family], port: PORT, localAddress })
        await pod.setUp('nft delete table inet astray')
        t.equal(seen, ADDRESS.egress[family])
        t.ok((await shoot.call('dropCount', 'conntrack_invalid')) > before)
      },
    )
    await t.test(`IPv${family}: fragments are judged as the packet they make up`, async (t) => {
      for (const target of [ADDRESS.pod, ADDRESS.node]) {
        t.match(await caller.run(`ping -n -c 1 -W 20 -s 5000 ${target[family]}`), { code: 0 })
      }
    })
    await t.test(`IPv${family}: the shoot-client's machine opens no connection into the seed`, async (t) => {
      const before = await shoot.call('dropCount', 'to_seed_not_reply')
      t.not(await shoot.call('knock', { host: ADDRESS.seed[family], port: PORT }), ADDRESS.shoot[family])
      t.ok((await shoot.call('dropCount', 'to_seed_not_reply')) > before)
    })
    await t.test(`IPv${family}: a pod opens none either`, async (t) => {
      const before = await shoot.call('dropCount', 'transfer_address_astray')
      t.equal(await pod.call('knock', { host: ADDRESS.seed[family], port: PORT }), 'ETIMEDOUT')
      t.ok((await shoot.call('dropCount', 'transfer_address_astray')) > before)
    })
  }

  await t.test(
    'a socket on the transfer address reaches nothing but the networks of the shoot',
    async (t) => {
      const localAddress = ADDRESS.seed[4]
      const seen = await seed.call('connect', { host: ADDRESS.caller[4], port: PORT, localAddress })
      t.match(seen, /EHOSTUNREACH|ENETUNREACH/)
    },
  )
  await t.test('the seed sends nothing to transfer addresses', async (t) => {
    const before = await seed.call('dropCount', 'to_shoot_refused')
    await seed.call('knock', { host: ADDRESS.shoot[4], port: PORT })
    t.ok((await seed.call('dropCount', 'to_shoot_refused')) > before)
  })
  await t.test('segments are clamped to the narrower link, in both directions', async (t) => {
    await pod.call('listenAndHold', 8081)
    await shoot.setUp('ip link set eth0 mtu 1300')
    await caller.call('connectAndHold', { host: ADDRESS.pod[4], port: 8081 })
    // The caller has it before the pod does.
    await until(async () => (await pod.run('ss -Htn state established sport = 8081')).stdout !== '')
    // The caller's SYN-ACK says 1460 of the pod's own link; the timestamp option takes 12 bytes off 1260.
    const [callerSockets, podSockets] = await Promise.all([
      caller.run('ss -Htin dport = 8081'),
      pod.run('ss -Htin sport = 8081'),
    ])
    t.match(callerSockets.stdout, /\bmss:1248\b/)
    t.match(podSockets.stdout, /\bmss:1248\b/)
  })
  for (const family of FAMILIES) {
    const target = { host: ADDRESS.node[family], port: PORT }
    const dropped = () => seed.call('dropCount', 'to_shoot_source_not_allowed')
    await t.test(`IPv${family}: a caller that nobody named gets nothing, and is counted`, async (t) => {
      await seed.call('update', PLAN)
      t.equal(await caller.call('knock', target), 'ETIMEDOUT')
      t.not((await caller.run(`ping -n -c 1 -W 1 ${ADDRESS.pod[family]}`)).code, 0)
      t.ok((await dropped()) >= 2)
      t.equal(await seed.call('connect', { host: ADDRESS.node[family], port: PORT }), ADDRESS.seed[family])
      await seed.call('update', { ...PLAN, routedFrom: ['eth1', '198.51.100.0/24', '2001:db8:9::/64'] })
      t.equal(await caller.call('knock', target), 'ETIMEDOUT', 'nor where others are named')
    })
    await t.test(`IPv${family}: one that comes by a named interface gets through`, async (t) => {
      await seed.call('update', { ...PLAN, routedFrom: ['eth0'] })
      t.equal(await caller.call('connect', target), ADDRESS.seed[family])
      await seed.call('update', { ...PLAN, routedFrom: ['0.0.0.0/0', '::/0'] })
      t.equal(
        await caller.call('connect', target),
        ADDRESS.seed[family],
        'as does anybody where all are named',
      )
      t.equal(await dropped(), 0)
    })
  }
})

t.test('a shoot side that ignores its rules', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { caller, seed, shoot, pod } = lab
  await seed.call('applySeed', PLAN)
  // Of no use to a seed that names nobody; others on the machine may have it on.
  await seed.setUp('sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1')
  await openSide(shoot, 'shoot')
  for (const host of lab.hosts) await host.call('listen', PORT)
  const dropped = async () => await seed.call('dropCount', 'from_shoot_not_reply')

  for (const family of FAMILIES) {
    await t.test(`IPv${family}: reaches neither the seed nor what is behind it`, async (t) => {
      await shoot.setUp(`ip route replace ${ADDRESS.caller[family]} dev ${TUN}`)
      for (const target of [ADDRESS.seed, ADDRESS.caller]) {
        const before = await dropped()
        t.equal(await shoot.call('knock', { host: target[family], port: PORT }), 'ETIMEDOUT')
        t.not((await shoot.run(`ping -n -c 1 -W 1 ${target[family]}`)).code, 0)
        t.ok((await dropped()) >= before + 2)
      }
    })
    await t.test(`IPv${family}: its pods reach neither`, async (t) => {
      const before = await dropped()
      t.equal(await pod.call('knock', { host: ADDRESS.caller[family], port: PORT }), 'ETIMEDOUT')
      t.ok((await dropped()) > before)
    })
  }
  await t.test('a neighbour of the seed that forges an answer from the shoot is not heard', async (t) => {
    await caller.setUp(`ip address add 10.0.0.5/32 dev lo
      ip route add 192.168.123.1/32 via 192.0.2.1`)
    t.not((await caller.run(`ping -n -c 1 -W 1 -I 10.0.0.5 ${ADDRESS.seed[4]}`)).code, 0)
    t.ok((await seed.call('dropCount', 'transfer_address_astray')) > 0)
  })
})

t.test('a seed side that ignores its rules', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { seed, shoot, pod } = lab
  await openSide(seed, 'seed')
  await shoot.setUp(`nft add table inet kube
    nft add chain inet kube services {type nat hook prerouting priority dstnat;}`)
  await shoot.call('applyShoot', { ...PLAN, ownPorts: [15_001], egressInterface: 'eth0' })
  for (const host of [shoot, pod]) {
    await host.call('listen', PORT)
    await host.call('listen', 15_001)
  }
  const isDropped = async (
    t: Test,
    host: string,
    counter: DropCounter,
    options: { port?: number; from?: string } = {},
  ) => {
    const { port = PORT, from } = options
    const before = await shoot.call('dropCount', counter)
    await seed.setUp(`ip route replace ${host} dev ${TUN}`)
    const said = await seed.call('knock', {
      host,
      port,
      ...(from === undefined ? {} : { localAddress: from }),
    })
    t.equal(said, 'ETIMEDOUT')
    // It comes by way of a program that others may hold up.
    await until(async () => (await shoot.call('dropCount', counter)) > before)
    t.pass(`${host} is counted as ${counter}`)
  }

  for (const family of FAMILIES) {
    await t.test(`IPv${family}: gets to addresses of the shoot's networks`, async (t) => {
      for (const [host, port] of [
        [ADDRESS.pod[family], PORT],
        [ADDRESS.pod[family], 15_001],
        [ADDRESS.node[family], PORT],
      ] as const) {
        await seed.setUp(`ip route replace ${host} dev ${TUN}`)
        const seen = await seed.call('connect', { host, port })
        t.equal(seen, host === ADDRESS.node[family] ? ADDRESS.seed[family] : ADDRESS.egress[family])
      }
    })
    await t.test(`IPv${family}: gets to no other`, async (t) => {
      await isDropped(t, ADDRESS.stranger[family], 'destination_not_allowed')
      await isDropped(t, ADDRESS.shoot[family], 'destination_refused')
    })
    await t.test(
      `IPv${family}: is delivered locally only on node addresses, and not on our own ports`,
      async (t) => {
        await isDropped(t, ADDRESS.podGateway[family], 'local_not_node')
        await isDropped(t, ADDRESS.node[family], 'local_own_port', { port: 15_001 })
      },
    )
    await t.test(`IPv${family}: has one source address`, async (t) => {
      await isDropped(t, ADDRESS.pod[family], 'source_not_seed', {
        from: family === 4 ? '192.0.2.1' : '2001:db8:1::1',
      })
    })
  }
  await t.test('a service address leads to the pod behind it', async (t) => {
    await shoot.setUp(`nft add rule inet kube services ip daddr 10.96.0.10 dnat ip to ${ADDRESS.pod[4]}
      nft add rule inet kube services ip daddr 10.96.0.11 dnat ip to ${ADDRESS.stranger[4]}
      nft add rule inet kube services ip daddr 10.96.0.12 tcp dport 80 dnat ip to ${ADDRESS.node[4]}:15001`)
    await seed.setUp(`ip route replace 10.96.0.10 dev ${TUN}`)
    t.equal(await seed.call('connect', { host: '10.96.0.10', port: PORT }), ADDRESS.egress[4])
  })
  await t.test('a service address leads neither out of the networks nor to our own ports', async (t) => {
    await isDropped(t, '10.96.0.11', 'destination_not_allowed')
    await isDropped(t, '10.96.0.12', 'local_own_port', { port: 80 })
  })
  await t.test('credentials of the cloud are refused inside an allowed network too', async (t) => {
    await shoot.call('applyShoot', {
      ...PLAN,
      networks: { ...PLAN.networks, pod: ['169.254.0.0/16', '100.64.0.0/10'] },
    })
    await isDropped(t, '169.254.169.254', 'destination_refused')
    await isDropped(t, '100.100.100.200', 'destination_refused')
  })
  await t.test('nothing is forwarded to another interface than the one named', async (t) => {
    await shoot.call('applyShoot', { ...PLAN, egressInterface: 'eth1' })
    await isDropped(t, ADDRESS.pod[4], 'egress_interface_other')
  })
  await t.test('a pod that forges the seed’s address is not masqueraded', async (t) => {
    await pod.setUp('ip address add 192.168.123.1/32 dev lo')
    const before = await shoot.call('dropCount', 'transfer_address_astray')
    t.not((await pod.run(`ping -n -c 1 -W 1 -I 192.168.123.1 ${ADDRESS.node[4]}`)).code, 0)
    t.ok((await shoot.call('dropCount', 'transfer_address_astray')) > before)
  })
})
