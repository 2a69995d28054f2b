import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CertificateStore, loadTlsMaterial, type TlsChange } from '@reversed-vpn/secure'
import { Authority, type Pair } from '@reversed-vpn/secure/testing'
import t from 'tap'

const dir = t.testdir({})
const [one, other] = [new Authority(dir, 'one'), new Authority(dir, 'other')]
const [first, second] = [one.issue('seed'), one.issue('seed')]

/** The files of a set in a directory of their own, and a store that has read them. */
function createStore(name: string, crl?: string) {
  const path = (file: string) => join(dir, `${name}-${file}`)
  const write = (file: string, text: string) => writeFileSync(path(file), text)
  const show = ({ cert, key }: Pair) => {
    write('crt', cert)
    write('key', key)
  }
  show(first)
  write('ca', one.ca)
  if (crl !== undefined) write('crl', crl)
  const files = {
    certFile: path('crt'),
    keyFile: path('key'),
    caFile: path('ca'),
    crlFile: crl === undefined ? undefined : path('crl'),
  }
  const store = new CertificateStore(files, loadTlsMaterial(files))
  const reload = () => store.reload(() => {})
  return { store, path, write, show, reload }
}

const change = (isOwnNew: boolean, isTrustNarrower: boolean): TlsChange => ({ isOwnNew, isTrustNarrower })

t.test('files that are written again with the same in them are no change', async (t) => {
  const { store, show, reload } = createStore('same')
  const before = store.material
  show(first)
  t.equal(reload(), undefined)
  t.equal(store.material, before)
})

t.test('another own certificate is taken, and takes trust from nobody', async (t) => {
  const { store, show, reload } = createStore('own')
  show(second)
  t.same(reload(), change(true, false))
  t.equal(store.material.cert, second.cert)
})

t.test('one more authority takes trust from nobody, one less does', async (t) => {
  const { write, reload } = createStore('bundle')
  write('ca', `${one.ca}a remark\n${other.ca}`)
  t.same(reload(), change(false, false))
  write('ca', other.ca + one.ca)
  t.same(reload(), change(false, false), 'in another order')
  write('ca', other.ca)
  t.same(reload(), change(false, true))
})

t.test('files that were put together without a line break between them count in full', async (t) => {
  const { store, write, reload } = createStore('glued')
  write('ca', one.ca.trim() + other.ca)
  write('crt', second.cert.trim() + one.ca)
  write('key', second.key)
  t.same(reload(), change(true, false))
  const { ca, cert } = store.material
  for (const text of [ca, cert])
    t.notMatch(text, '-----END CERTIFICATE----------BEGIN', 'as OpenSSL reads it')
  t.equal(store.material.certificates.length, 4)
})

t.test(
  'a revocation list says when it ends, and one that has ended is not taken in place of another',
  async (t) => {
    const { store, write, reload } = createStore('ended', one.revocationList())
    const list = store.material.certificates.find(({ role }) => role === 'crl')
    t.match(list, { subject: 'CN=one', serial: '', fingerprint: /^[0-9a-f]{64}$/ })
    t.equal((list?.notAfterMs ?? 0) - (list?.notBeforeMs ?? 0), 86_400_000)
    t.ok(Math.abs((list?.notBeforeMs ?? 0) - Date.now()) < 60_000)
    const { material } = store
    const times = ['-crl_lastupdate', '20200101000000Z', '-crl_nextupdate', '20200102000000Z']
    write('crl', one.revocationList(undefined, times))
    t.throws(reload, { message: /revocation list .*ended-crl of CN=one has ended 2020-01-02T00:00:00.000Z$/ })
    t.equal(store.material, material)
  },
)

t.test('another revocation list takes trust from somebody', async (t) => {
  const { write, reload } = createStore('lists', one.revocationList())
  write('crl', one.revocationList(second))
  t.same(reload(), change(false, true))
  t.equal(reload(), undefined)
})

t.test('what cannot be used is refused by its file, and the old stays', async (t) => {
  const half = one.ca.slice(0, one.ca.length / 2)
  const garble = (pem: string) => pem.replace(/\n..../, '\nAAAA')
  for (const [what, file, text, code, message] of [
    ['garbage', 'crt', 'garbage', 'ERR_TLS_CERTIFICATE', /crt holds no PEM block/],
    ['nothing', 'ca', '\n', 'ERR_TLS_CERTIFICATE', /ca is empty/],
    ['half of it', 'ca', one.ca + half, 'ERR_TLS_CERTIFICATE', /ca is cut off inside a PEM block/],
    [
      'a second one that is garbled',
      'ca',
      one.ca + garble(one.ca),
      'ERR_TLS_CERTIFICATE',
      /ca, number 2, cannot be/,
    ],
    ['a key', 'ca', first.key, 'ERR_TLS_CERTIFICATE', /ca holds no certificate/],
    ['the key of another', 'key', second.key, 'ERR_TLS_KEY_MISMATCH', /key does not belong to/],
    ['a certificate', 'key', first.cert, 'ERR_TLS_CERTIFICATE', /key cannot be parsed/],
    ['a certificate', 'crl', first.cert, 'ERR_TLS_CERTIFICATE', /crl holds no block of type X509 CRL/],
    [
      'a list that is garbled',
      'crl',
      garble(one.revocationList()),
      'ERR_TLS_CERTIFICATE',
      /crl cannot be parsed/,
    ],
  ] as const) {
    const { store, path, write, reload } = createStore(`bad-${file}`, one.revocationList())
    const before = store.material
    write(file, text)
    t.throws(reload, { name: 'TlsMaterialError', code, file: path(file), message }, `${what} as ${file}`)
    t.equal(store.material, before)
    rmSync(path(file))
    t.throws(reload, { code: 'ERR_TLS_FILE', file: path(file), message: /ENOENT/ }, `no ${file}`)
  }
})

t.test('what could not be put in force is not in force', async (t) => {
  const { store, show } = createStore('untaken')
  const before = store.material
  show(second)
  const fail = () => {
    throw new Error('no')
  }
  t.throws(() => store.reload(fail), { message: 'no' })
  t.equal(store.material, before)
  t.same(
    store.reload(() => {}),
    change(true, false),
    'and is offered again',
  )
})

t.test('tells of every certificate that there is', async (t) => {
  const { store, write, reload } = createStore('facts')
  write('crt', first.cert + one.ca)
  write('ca', one.ca + other.ca)
  reload()
  t.match(
    store.material.certificates.map(({ role, subject }) => `${role} ${subject}`),
    ['own CN=seed', 'intermediate CN=one', 'ca CN=one', 'ca CN=other'],
  )
  const [own] = store.material.certificates
  t.match(own?.serial, /^[0-9A-F]{10,}$/)
  t.equal((own?.notAfterMs ?? 0) - (own?.notBeforeMs ?? 0), 2 * 86_400_000)
})
