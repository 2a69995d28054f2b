import { UsageError } from '@reversed-vpn/daemon'
import { checkProbe } from '@reversed-vpn/seed-server/testing'
import t from 'tap'

const NETWORKS = { pod: ['100.96.0.0/11'], service: ['fd00:10:64::/112'], node: ['169.254.0.0/16'] }

function check(host: string, probeIntervalMs = 10_000): void {
  checkProbe(
    {
      probeIntervalMs,
      probeTarget: [{ type: 'tcp', host, port: 53 }],
      vpnNetwork: ['192.168.123.0/24'],
    },
    NETWORKS,
    { optionError: (flag, problem) => new UsageError(`--${flag}: ${problem}`) },
  )
}

t.test("a target is an address in the shoot's networks where callers may go", (t) => {
  for (const host of ['100.96.1.2', 'fd00:10:64::a']) t.doesNotThrow(() => check(host), host)
  for (const [host, shown] of [
    ['8.8.8.8', '8.8.8.8:53'],
    ['fd00::1', '[fd00::1]:53'],
    ['kube-dns.kube-system.svc', 'kube-dns.kube-system.svc:53'],
    ['169.254.169.254', '169.254.169.254:53'],
    ['192.168.123.2', '192.168.123.2:53'],
  ] as const) {
    const message = `--probe-target: ${shown} is not an address in the shoot's networks`
    t.throws(() => check(host), { code: 'ERR_USAGE', message }, host)
  }
  t.end()
})

t.test('it is off or not too often', (t) => {
  for (const intervalMs of [0, 100, 10_000]) t.doesNotThrow(() => check('100.96.1.2', intervalMs))
  t.throws(() => check('100.96.1.2', 99), { message: '--probe-interval: expected 0s or at least 100ms' })
  t.end()
})
