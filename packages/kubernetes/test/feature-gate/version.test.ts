import { isAtLeast, parseVersion } from '@reversed-vpn/kubernetes/testing'
import t from 'tap'

for (const [text, major, minor] of [
  ['1.9', 1, 9],
  ['v1.30.2', 1, 30],
  ['v1.18.0-rc.1', 1, 18],
  ['1.27.3+k3s1', 1, 27],
  ['1.28.5-gke.1217000', 1, 28],
] as const) {
  t.test(`reads ${text} as ${major}.${minor}`, async (t) => {
    t.same(parseVersion(text), { major, minor })
  })
}

for (const text of [
  'latest',
  '1',
  'v1',
  '',
  '1.',
  '.18',
  '1.x',
  '1.18.',
  'vv1.18',
  '1.18.0.1',
  ' 1.18',
  '1.018',
]) {
  t.test(`takes ${JSON.stringify(text)} for no version`, async (t) => {
    t.equal(parseVersion(text), undefined)
  })
}

t.test('compares numbers, not text', async (t) => {
  t.equal(isAtLeast({ major: 1, minor: 9 }, 1, 18), false)
  t.equal(isAtLeast({ major: 1, minor: 18 }, 1, 18), true)
  t.equal(isAtLeast({ major: 2, minor: 0 }, 1, 18), true)
})
