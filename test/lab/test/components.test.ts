import t from 'tap'
import { startSockperf } from '../components/measure-servers.js'
import { Lab, Pki, startConnectGateway, startIperf3, startNginx, startOpenvpnPair } from '../index.js'

t.test('CONNECT goes through the gateway to the ports that are allowed', async (t) => {
  await using lab = await Lab.create()
  await using _page = await startNginx(lab, lab.hosts.seed, { port: 1194 })
  await using _other = await startNginx(lab, lab.hosts.seed, { port: 8080 })
  await using gateway = await startConnectGateway(lab)
  const connect = (port: number) =>
    lab.hosts.node.run('curl', [
      '-s',
      '-p',
      '-x',
      gateway.url,
      '-w',
      '%{http_connect}',
      `http://seed:${port}/`,
    ])

  t.equal((await connect(1194)).stdout, 'seed\n200')
  t.equal((await connect(8080)).stdout, '403')
})

t.test('a gateway with credentials turns away who has none', async (t) => {
  await using lab = await Lab.create()
  await using _page = await startNginx(lab, lab.hosts.seed, { port: 1194 })
  const credentials = { user: 'shoot', password: 'secret' }
  await using gateway = await startConnectGateway(lab, lab.hosts.gateway, { credentials })
  const args = ['-s', '-p', '-x', gateway.url, '-w', '%{http_connect}', 'http://seed:1194/']

  t.equal((await lab.hosts.node.run('curl', args)).stdout, '407')
  t.equal((await lab.hosts.node.run('curl', ['-U', 'shoot:secret', ...args])).stdout, 'seed\n200')
})

for (const through of ['directly', 'through the gateway'] as const) {
  t.test(`OpenVPN ${through} carries both families`, async (t) => {
    await using lab = await Lab.create()
    await using pki = await Pki.create(lab.dir)
    await using gateway = await startConnectGateway(lab)
    await using _nginx1 = await startNginx(lab, lab.hosts.pod1)
    await using _nginx2 = await startNginx(lab, lab.hosts.pod2)
    const certificates = await pki.shoot()
    {
      await using pair = await startOpenvpnPair(lab, {
        certificates,
        ...(through === 'directly' ? {} : { gateway }),
      })
      for (const address of Object.values(lab.hosts.pod1.addresses)) {
        const ping = await lab.hosts.caller.run('ping', ['-c2', '-i0.2', '-W20', address])
        t.equal(ping.code, 0, `${ping.stdout}\n${pair.server.tail()}\n${pair.client.tail()}`)
      }
      t.ok(await pair.client.waitForLine(/Data Channel: cipher 'AES-256-GCM'/))
      const page = await lab.hosts.caller.run('curl', ['-s', '-m', '20', 'http://pod1/'])
      t.equal(page.stdout, 'pod1\n')
      t.equal((await lab.hosts.caller.run('ping', ['-c1', '-W20', lab.hosts.node2.addresses.ipv4])).code, 0)
      for (const service of [lab.service.ipv4, `[${lab.service.ipv6}]`]) {
        const answer = await lab.hosts.caller.run('curl', ['-s', '-g', '-m', '20', `http://${service}/`])
        t.match(answer.stdout, /^pod[12]\n$/)
      }
    }
    t.not((await lab.hosts.caller.run('ping', ['-c1', '-W1', lab.hosts.pod1.addresses.ipv4])).code, 0)
  })
}

t.test('the servers for measuring answer, after a restart too', async (t) => {
  await using lab = await Lab.create()
  await using _route = await lab.routeDirectly()
  const { caller, pod1 } = lab.hosts
  await using iperf3 = await startIperf3(pod1)
  const measure = (address: string) => caller.run('iperf3', ['-c', address, '-n', '100K', '-J'])
  t.equal((await measure(pod1.addresses.ipv4)).code, 0)
  const { pid } = iperf3.process
  await iperf3.restart()
  t.not(iperf3.process.pid, pid)
  t.equal((await measure(pod1.addresses.ipv6)).code, 0)
  await using sockperf = await startSockperf(pod1)
  const args = [
    'ping-pong',
    '-i',
    pod1.addresses.ipv4,
    '-p',
    String(sockperf.port),
    '-t',
    '1',
    '--mps',
    '100',
  ]
  t.match(await caller.run('sockperf', args), { code: 0, stdout: /avg-latency/ })
})
