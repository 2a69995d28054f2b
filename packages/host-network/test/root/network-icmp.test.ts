import t from 'tap'
import { ADDRESS, NetworkLab, PLAN, skip, until } from './network-lab.js'

const FAMILIES = [4, 6] as const
/** Twice, since an error may be lost as any packet; not more often, since Linux lets a source have five in a row. */
const ASK = 'ping -n -c 2 -i 1 -W 10'

t.test('ICMP errors', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { caller, seed, shoot, pod } = lab
  // What systemd sets for new interfaces; the TUN must not keep it.
  for (const host of [seed, shoot]) await host.setUp('sysctl -qw net.ipv4.conf.vpn0.rp_filter=2')
  await seed.call('applySeed', { ...PLAN, routedFrom: ['eth0'] })
  await shoot.call('applyShoot', PLAN)

  for (const family of FAMILIES) {
    await t.test(
      `IPv${family}: the shoot-client's own about a connection's first packet get to the seed`,
      async (t) => {
        const { stdout } = await seed.run(
          `ping -n -c 1 -W 10 -t 1 -I ${ADDRESS.seed[family]} ${ADDRESS.pod[family]}`,
        )
        t.match(stdout, new RegExp(`From ${ADDRESS.shoot[family]} .* exceeded`, 'i'))
      },
    )
    await t.test(
      `IPv${family}: those of a router in the shoot, outside its networks, get to the seed`,
      async (t) => {
        const nowhere = family === 4 ? '10.0.7.7' : 'fd01::7:7'
        await pod.setUp(`ip route add unreachable ${nowhere}`)
        const { stdout } = await seed.run(`${ASK} ${nowhere}`)
        t.match(stdout, new RegExp(`From ${ADDRESS.router[family]} .*unreachable`, 'i'))
      },
    )
    await t.test(`IPv${family}: and to a caller behind the seed`, async (t) => {
      const nowhere = family === 4 ? '10.0.7.8' : 'fd01::7:8'
      await pod.setUp(`ip route add unreachable ${nowhere}`)
      const { stdout } = await caller.run(`${ASK} ${nowhere}`)
      t.match(stdout, new RegExp(`From ${ADDRESS.router[family]} .*unreachable`, 'i'))
    })
    await t.test(`IPv${family}: the seed learns of a closed port of a node`, async (t) => {
      t.equal(await seed.call('connect', { host: ADDRESS.node[family], port: 9 }), 'ECONNREFUSED')
    })
    await t.test(`IPv${family}: those about an answer travel from behind the seed to the node`, async (t) => {
      // The answer is larger than the caller's link, so the seed itself reports it too big.
      await seed.setUp('ip link set eth0 mtu 1400')
      await shoot.call('answerDatagrams', { host: ADDRESS.node[family], port: 9_000 + family, bytes: 1450 })
      await caller.call('sendDatagram', { host: ADDRESS.node[family], port: 9_000 + family, bytes: 10 })
      await until(async () =>
        (await shoot.run(`ip route get ${ADDRESS.seed[family]}`)).stdout.includes('mtu 1400'),
      )
      t.pass('the node has learned the path MTU')
    })
  }
})

t.test('path MTU', { skip }, async (t) => {
  await using lab = await NetworkLab.create()
  const { caller, seed, shoot } = lab
  await seed.setUp('sysctl -qw net.ipv4.conf.all.rp_filter=1')
  await seed.call('applySeed', { ...PLAN, routedFrom: ['eth0'] })
  await shoot.call('applyShoot', PLAN)
  await shoot.setUp('ip link set eth0 mtu 1300')

  for (const family of FAMILIES) {
    await t.test(
      `IPv${family}: a datagram too big for a link in the shoot teaches the seed, under strict rp_filter`,
      async (t) => {
        const host = ADDRESS.pod[family]
        const localAddress = ADDRESS.seed[family]
        await seed.call('sendDatagram', { host, port: 9, localAddress, bytes: 1400 })
        await until(async () =>
          (await seed.run(`ip route get ${host} from ${localAddress}`)).stdout.includes('mtu 1300'),
        )
        t.pass('the route knows the MTU')
      },
    )
    await t.test(`IPv${family}: and a caller behind the seed`, async (t) => {
      const host = ADDRESS.pod[family]
      await caller.call('sendDatagram', { host, port: 9, bytes: 1400 })
      await until(async () => (await caller.run(`ip route get ${host}`)).stdout.includes('mtu 1300'))
      t.pass('the route knows the MTU')
    })
  }
})
