import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loadTlsMaterial, type TlsChange, TlsKeeper } from '@reversed-vpn/secure'
import { Authority, type Pair } from '@reversed-vpn/secure/testing'
import t from 'tap'

const dir = t.testdir({})
const [one, other] = [new Authority(dir, 'one'), new Authority(dir, 'other')]
const [first, second] = [one.issue('seed'), one.issue('seed')]

/** The files of a set in a directory of their own, and a keeper that has read them. */
function createKeeper(name: string, crl?: string) {
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
  const keeper = new TlsKeeper(files, loadTlsMaterial(files))
  const reload = () => keeper.reload(() => {})
  return { keeper, path, write, show, reload }
}

const change = (isOwnNew: boolean, isTrustNarrower: boolean): TlsChange => ({ isOwnNew, isTrustNarrower })

t.test('files that are written again with the same in them are no change', async (t) => {
  const { keeper, show, reload } = createKeeper('same')
  const before = keeper.material
  show(first)
  t.equal(reload(), undefined)
  t.equal(keeper.material, before)
})

t.test('another own certificate is taken, and takes trust from nobody', async (t) => {
  const { keeper, show, reload } = createKeeper('own')
  show(second)
  t.same(reload(), change(true, false))
  t.equal(keeper.material.cert, second.cert)
})

t.test('one more authority takes trust from nobody, one less does', async (t) => {
  const { write, reload } = createKeeper('bundle')
  write('ca', `${one.ca}a remark\n${other.ca}`)
  t.same(reload(), change(false, false))
  write('ca', other.ca + one.ca)
  t.same(reload(), change(false, false), 'in another order')
  write('ca', other.ca)
  t.same(reload(), change(false, true))
})

t.test('another revocation list takes trust from somebody', async (t) => {
  const { write, reload } = createKeeper('lists', one.revocationList())
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
    const { keeper, path, write, reload } = createKeeper(`bad-${file}`, one.revocationList())
    const before = keeper.material
    write(file, text)
    t.throws(reload, { name: 'TlsMaterialError', code, file: path(file), message }, `${what} as ${file}`)
    t.equal(keeper.material, before)
    rmSync(path(file))
    t.throws(reload, { code: 'ERR_TLS_FILE', file: path(file), message: /ENOENT/ }, `no ${file}`)
  }
})

t.test('what could not be put in force is not in force', async (t) => {
  const { keeper, show } = createKeeper('untaken')
  const before = keeper.material
  show(second)
  const fail = () => {
    throw new Error('no')
  }
  t.throws(() => keeper.reload(fail), { message: 'no' })
  t.equal(keeper.material, before)
  t.same(
    keeper.reload(() => {}),
    change(true, false),
    'and is offered again',
  )
})

t.test('tells of every certificate that there is', async (t) => {
  const { keeper, write, reload } = createKeeper('facts')
  write('crt', first.cert + one.ca)
  write('ca', one.ca + other.ca)
  reload()
  t.match(
    keeper.material.certificates.map(({ role, subject }) => `${role} ${subject}`),
    ['own CN=seed', 'intermediate CN=one', 'ca CN=one', 'ca CN=other'],
  )
  const [own] = keeper.material.certificates
  t.match(own?.serial, /^[0-9A-F]{10,}$/)
  t.equal((own?.notAfterMs ?? 0) - (own?.notBeforeMs ?? 0), 2 * 86_400_000)
})
