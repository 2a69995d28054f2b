import { type LogRecord, startNginx } from '@reversed-vpn/test/lab'
import t from 'tap'
import { inUrl, TunnelLab } from '../e2e/support/tunnel-lab.js'

/** A second or so as a rule, and the next turn at the latest. */
const TOLD = { deadlineMs: 90_000 }
const DROPS = 'another firewall drops by default'
const OVER = 'no other firewall drops by default any more'
/** Nobody will answer. */
const BRIEFLY = ['-m', '2']

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage
const { node, pod1 } = lab.hosts
const [{ client }] = await Promise.all([stage.startBoth(), startNginx(lab, pod1)])
const url = `http://${inUrl(pod1.addresses.ipv6)}/`

t.test('a chain that rejects at its end is named, until rules before accept what is ours', async (t) => {
  t.match(await stage.curlEgress(url), { code: 0 })
  const { chains } = await told(DROPS, () =>
    node.nft(`table inet stranger {
      chain them {
        type filter hook forward priority 0; policy accept;
        iifname "pod2" accept
        counter reject
      }
    }\n`),
  )
  t.strictSame(chains, ['inet stranger them (hook forward)'])
  t.equal((await client.metrics()).get('shoot_client_network_foreign_drop_chains{hook="forward"}'), 1)
  t.not((await stage.curlEgress(url, BRIEFLY)).code, 0, 'no packet gets there')
  await told(OVER, () =>
    node.nft(`insert rule inet stranger them iifname "vpn0" accept
      insert rule inet stranger them oifname "vpn0" accept\n`),
  )
  t.match(await stage.curlEgress(url), { code: 0 })
  await node.nft('delete table inet stranger\n')
})

t.test('so is one that drops what the TUN brings before anything is routed', async (t) => {
  const { chains } = await told(DROPS, () =>
    node.nft(`table ip6 stranger {
      chain early {
        type filter hook prerouting priority -300;
        iifname "vpn*" drop
      }
    }\n`),
  )
  t.strictSame(chains, ['ip6 stranger early (hook prerouting)'])
  t.not((await stage.curlEgress(url, BRIEFLY)).code, 0)
  await told(OVER, () => node.nft('delete table ip6 stranger\n'))
  t.match(await stage.curlEgress(url), { code: 0 })
})

t.test('so are chains that drop by policy, those of iptables-legacy too', async (t) => {
  const legacy = await node.run('iptables-legacy', ['-P', 'FORWARD', 'DROP'])
  const policy = 'table inet stranger { chain them { type filter hook forward priority 0; policy drop; }; }\n'
  const named = [
    'inet stranger them (hook forward)',
    ...(legacy.code === 0 ? ['iptables-legacy FORWARD (hook forward)'] : []),
  ]
  const fromLine = client.process.output.length
  await node.nft(policy)
  const isWhole = ({ msg, chains }: LogRecord) => msg === DROPS && String(chains) === String(named)
  await client.waitForLog(isWhole, { ...TOLD, fromLine })
  t.equal(
    (await client.metrics()).get('shoot_client_network_foreign_drop_chains{hook="forward"}'),
    named.length,
  )
  if (legacy.code === 0) await node.mustRun('iptables-legacy', ['-P', 'FORWARD', 'ACCEPT'])
  await told(OVER, () => node.nft('delete table inet stranger\n'))
})

/** What the client says for the first time after that was done. */
async function told(message: string, act: () => Promise<void>): Promise<LogRecord> {
  const fromLine = client.process.output.length
  const startedAtMs = performance.now()
  await act()
  const record = await client.waitForLog(({ msg }) => msg === message, { ...TOLD, fromLine })
  t.comment(`${message}: after ${Math.round(performance.now() - startedAtMs)} ms`)
  return record
}
