import { resolveFeatureGates } from '@reversed-vpn/kubernetes/testing'
import t from 'tap'

t.test('gates that are not named have their defaults', async (t) => {
  t.same(resolveFeatureGates({}), { ReversedVPN: false, APIServerSNI: true, KonnectivityTunnel: false })
})

t.test('reversing needs the SNI endpoint', async (t) => {
  t.throws(() => resolveFeatureGates({ ReversedVPN: true, APIServerSNI: false }), {
    code: 'ERR_USAGE',
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
  t.equal(resolveFeatureGates({ APIServerSNI: false, KonnectivityTunnel: true }).ReversedVPN, false)
})
