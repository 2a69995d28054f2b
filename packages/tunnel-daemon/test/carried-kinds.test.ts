import { UsageError } from '@reversed-vpn/daemon'
import { findCarryProblem } from '@reversed-vpn/tunnel-daemon'
import { resolveCarriedKinds } from '@reversed-vpn/tunnel-daemon/testing'
import t from 'tap'

const optionError = (flag: string, problem: string) => new UsageError(`--${flag}: ${problem}`)

t.test('packets are what is carried where a side does not say', async (t) => {
  t.equal(findCarryProblem(undefined, undefined), undefined)
  t.equal(findCarryProblem(['packets', 'streams'], undefined), undefined)
  t.equal(
    findCarryProblem(['streams'], undefined),
    'the seed side carries streams only, the shoot side packets only (--carry)',
  )
})

t.test('two sides need one kind that both carry', async (t) => {
  t.equal(findCarryProblem(['packets', 'streams'], ['streams']), undefined)
  t.equal(
    findCarryProblem(['packets'], ['streams']),
    'the seed side carries packets only, the shoot side streams only (--carry)',
  )
  t.match(findCarryProblem(['packets'], []), 'the shoot side nothing that is known here')
})

t.test(
  'an option that would have no effect without packets is an error where somebody has given it',
  async (t) => {
    const given = (...flags: string[]) => ({ optionError, isGiven: (flag: string) => flags.includes(flag) })
    t.strictSame(resolveCarriedKinds({ carry: 'streams' }, given('tls-cert', 'lanes')), ['streams'])
    for (const flag of ['tun', 'network-setup', 'mtu', 'routed-from', 'probe-target', 'egress-interface'])
      t.throws(() => resolveCarriedKinds({ carry: 'streams' }, given('lanes', flag)), {
        message: `--${flag}: is for packets, and --carry streams carries none: leave out --${flag}`,
      })
    t.strictSame(resolveCarriedKinds({ carry: 'both' }, given('tun')), ['packets', 'streams'])
    t.strictSame(resolveCarriedKinds({ carry: 'tun' }, given('tun')), ['packets'])
  },
)
