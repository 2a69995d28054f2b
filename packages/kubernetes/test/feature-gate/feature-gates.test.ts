import { parseVersion, resolveFeatureGates } from '@reversed-vpn/kubernetes/testing'
import t from 'tap'

for (const [version, ReversedVPN, APIServerSNI, UseUnifiedHTTPProxyPort] of [
  ['', undefined, true, false],
  ['1.18', false, false, false],
  ['1.19', false, true, false],
  ['v1.41.3', false, true, false],
  ['1.42', true, true, false],
  ['1.62', true, true, false],
  ['1.63', 'always', true, false],
  ['1.70.0-dev', 'always', true, false],
  ['1.139.9', 'always', true, false],
  ['1.140', 'always', true, true],
  ['1.144', 'always', true, true],
  ['1.150', 'always', true, true],
] as const) {
  t.test(
    `gates that are not named have the defaults of Gardener ${version || 'of any version'}`,
    async (t) => {
      const gates = resolveFeatureGates({}, parseVersion(version))
      t.same(gates, { ReversedVPN, APIServerSNI, KonnectivityTunnel: false, UseUnifiedHTTPProxyPort })
    },
  )
}

t.test('a gate that has gone may only be named as it is', async (t) => {
  for (const [gate, value, version, since] of [
    ['ReversedVPN', false, '1.63', '1.63'],
    ['ReversedVPN', false, '1.80', '1.63'],
    ['APIServerSNI', false, '1.73', '1.73'],
    ['KonnectivityTunnel', true, '1.27', '1.27'],
    ['UseUnifiedHTTPProxyPort', false, '1.144', '1.144'],
  ] as const) {
    const resolve = (given: boolean) => resolveFeatureGates({ [gate]: given }, parseVersion(version))
    t.throws(() => resolve(value), {
      code: 'ERR_USAGE',
      message: `${gate} is ${value}, but since Gardener ${since}`,
    })
    t.doesNotThrow(() => resolve(!value), gate)
  }
  t.equal(resolveFeatureGates({ ReversedVPN: false }, parseVersion('1.62')).ReversedVPN, false)
})

t.test('reversing needs the SNI endpoint', async (t) => {
  t.throws(() => resolveFeatureGates({ ReversedVPN: true, APIServerSNI: false }), {
    code: 'ERR_USAGE',
    message: /APIServerSNI true/,
  })
})

t.test('reversing by default needs it too', async (t) => {
  t.throws(() => resolveFeatureGates({ APIServerSNI: false }, parseVersion('1.42')), {
    message: /APIServerSNI true/,
  })
})

t.test('reversing and Konnectivity exclude each other', async (t) => {
  t.throws(() => resolveFeatureGates({ ReversedVPN: true, KonnectivityTunnel: true }), {
    code: 'ERR_USAGE',
    message: /KonnectivityTunnel/,
  })
})

t.test('without reversing the others may be as they like', async (t) => {
  const given = { ReversedVPN: false, APIServerSNI: false, KonnectivityTunnel: true }
  t.match(resolveFeatureGates(given), given)
  t.equal(resolveFeatureGates({ APIServerSNI: false, KonnectivityTunnel: true }).ReversedVPN, undefined)
})
