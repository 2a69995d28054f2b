import { readFileSync } from 'node:fs'
import { chooseCongestion } from '@reversed-vpn/host-network'
import { test } from 'tap'

function namesIn(sysctl: 'available' | 'allowed'): string[] {
  const text = readFileSync(`/proc/sys/net/ipv4/tcp_${sysctl}_congestion_control`, 'utf8')
  return text.trim().split(' ')
}

test('takes what was asked for', async (t) => {
  for (const name of namesIn('allowed')) t.strictSame(await chooseCongestion(name, 'bbr'), { name })
})

test('takes the preferred one unless told otherwise, which is bbr where there is one', async (t) => {
  const [preferred = ''] = namesIn('allowed')
  t.strictSame(await chooseCongestion(undefined, preferred), { name: preferred })
  if (namesIn('allowed').includes('bbr'))
    t.strictSame(await chooseCongestion(undefined, 'bbr'), { name: 'bbr' })
})

test("leaves the kernel's default where the preferred one cannot be had, and says why", async (t) => {
  t.strictSame(await chooseCongestion(undefined, 'no_such'), {
    name: undefined,
    refusal: `congestion control no_such is not available: expected one of net.ipv4.tcp_available_congestion_control, which is "${namesIn('available').join(' ')}"`,
  })
})

test('refuses one that was asked for and cannot be had', async (t) => {
  await t.rejects(chooseCongestion('no_such', 'bbr'), {
    name: 'NetworkError',
    code: 'ERR_CONGESTION_NOT_AVAILABLE',
    message: /no_such .* "\S/,
  })
})
