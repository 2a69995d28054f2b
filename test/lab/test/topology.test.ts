import t from 'tap'
import { Lab, NODE_PUBLIC, startNginx } from '../index.js'

t.test('the shoot', async (t) => {
  await using lab = await Lab.create()
  const { caller, gateway, node, node2, pod1, pod2, seed } = lab.hosts
  await using nginx = await startNginx(lab, pod1)
  await using _second = await startNginx(lab, pod2)
  const get = async (host: typeof caller, address: string, waitSeconds = 20) => {
    const at = address.includes(':') ? `[${address}]` : address
    const { stdout, code } = await host.run('curl', ['-s', '-g', '-m', String(waitSeconds), `http://${at}/`])
    return code === 0 ? stdout.trim() : `curl ${code}`
  }

  await t.test('reaches the internet from every host, on both families', async (t) => {
    for (const host of [caller, gateway, node, node2, pod1, pod2]) {
      for (const family of ['-4', '-6']) {
        // The seed's own network is not the caller's: it is one hop away for it and unknown to the others.
        const { code, stdout } = await host.run('ping', [family, '-c1', '-W20', 'seed'])
        t.equal(code, 0, `${host.name} ping ${family} seed\n${stdout}`)
      }
    }
  })

  await t.test('cannot be dialled from outside', async (t) => {
    await using _public = await startNginx(lab, node, { port: 8080 })
    for (const address of [NODE_PUBLIC.ipv4, `[${NODE_PUBLIC.ipv6}]`]) {
      const dial = await gateway.run('curl', ['-s', '-g', '-m', '1', `http://${address}:8080/`])
      t.equal(dial.code, 28, 'the node answers nothing on its public address')
    }
    t.match(await get(caller, pod1.addresses.ipv4, 2), /curl/)
    t.match(await get(seed, pod1.addresses.ipv6, 2), /curl/)
  })

  await t.test('is reached over the direct route until that is closed', async (t) => {
    const before = (await nginx.accesses()).length
    const accessesFrom = async (first: number, count: number) => {
      for (;;) {
        const accesses = (await nginx.accesses()).slice(first)
        if (accesses.length >= count) return accesses
      }
    }
    {
      await using _route = await lab.routeDirectly()
      for (const pod of [pod1, pod2]) {
        t.equal(await get(caller, pod.addresses.ipv4), pod.name)
        t.equal(await get(caller, pod.addresses.ipv6), pod.name)
      }
      // It writes a line when it has sent the answer.
      const [four, six] = await accessesFrom(before, 2)
      t.equal(four?.remoteAddress, '100.96.1.1', 'masqueraded by the node')
      t.equal(six?.remoteAddress, 'fd00:10:96:1::1')
      for (const address of Object.values(node2.addresses)) {
        t.equal((await caller.run('ping', ['-c1', '-W20', address])).code, 0, 'nodes answer too')
      }
    }
    t.match(await get(caller, pod1.addresses.ipv4, 2), /curl/)
    t.match(await get(caller, pod1.addresses.ipv6, 2), /curl/)
  })

  await t.test('balances its service over both pods', async (t) => {
    await using _route = await lab.routeDirectly()
    for (const address of [lab.service.ipv4, lab.service.ipv6]) {
      // Each answer is a coin toss: 40 of them are all the same once in 10^12 runs.
      const answers = new Set<string>()
      for (let toss = 0; toss < 40 && answers.size < 2; toss++) answers.add(await get(caller, address))
      t.strictSame([...answers].sort(), ['pod1', 'pod2'], address)
    }
  })
})

t.test('hosts know each other by name and ask no name server of the machine', async (t) => {
  await using lab = await Lab.create()
  const known = await lab.hosts.gateway.run('getent', ['ahosts', 'vpn-seed-server'])
  t.match(known.stdout, lab.hosts.seed.addresses.ipv4)
  const unknown = await lab.hosts.gateway.run('getent', ['ahosts', 'unknown.example'], { deadlineMs: 20_000 })
  t.equal(unknown.code, 2)
})
