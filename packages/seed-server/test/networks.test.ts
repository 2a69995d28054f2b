import { createLogger, readInvocation } from '@reversed-vpn/daemon/testing'
import { DEFAULT_TRANSFER_NETWORKS } from '@reversed-vpn/ip'
import { seedServer } from '@reversed-vpn/seed-server/testing'
import t from 'tap'

const FILES = ['tls-cert', 'tls-key', 'tls-ca', 'egress-tls-cert', 'egress-tls-key', 'egress-tls-ca']

/** Starts the daemon with those networks, as its process does; it ends at the certificates, which are not there. */
async function start(
  kind: string,
  networks: readonly string[],
  transfer = DEFAULT_TRANSFER_NETWORKS,
): Promise<unknown> {
  const networkArgs = [`--${kind}-network`, networks.join(','), '--vpn-network', transfer]
  const args = [...networkArgs, ...FILES.flatMap((flag) => [`--${flag}`, '/none'])]
  const invocation = readInvocation(seedServer, args, {})
  if (invocation.type !== 'run') throw new Error('nothing to run')
  return invocation.loaded.start({
    name: seedServer.name,
    version: seedServer.version,
    ...createLogger(invocation.logger),
    signal: new AbortController().signal,
    defer: () => undefined,
    fail: () => undefined,
    explain: (text) => text,
    setTrouble: () => undefined,
  })
}

const AT_THE_CERTIFICATES = { code: 'ERR_USAGE', message: /^--(egress-)?tls-/ }

t.test('more networks of a kind than WELCOME can carry are refused', async (t) => {
  const apart = (count: number) =>
    Array.from({ length: count }, (_, index) => `10.${index >> 7}.${(index & 127) * 2}.0/24`)
  await t.rejects(start('pod', apart(256)), AT_THE_CERTIFICATES)
  for (const kind of ['pod', 'service', 'node']) {
    const message = new RegExp(`^--${kind}-network .*: 257 networks exceed the 256 that can be announced$`)
    await t.rejects(start(kind, apart(257)), { code: 'ERR_USAGE', message })
  }
})

t.test('networks that side by side or inside each other come to fewer are merged first', async (t) => {
  const adjacent = Array.from({ length: 1024 }, (_, index) => `10.${index >> 8}.${index & 255}.0/24`)
  await t.rejects(start('node', adjacent), AT_THE_CERTIFICATES)
  const contained = ['10.0.0.0/8', ...adjacent]
  await t.rejects(start('node', contained), AT_THE_CERTIFICATES)
  await t.rejects(start('pod', ['::/1', '8000::/1'], '192.168.123.0/24'), {
    code: 'ERR_USAGE',
    message: /^--pod-network .*: ::\/0 is every address of its family$/,
  })
})
