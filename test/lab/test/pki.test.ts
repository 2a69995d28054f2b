import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { connect, createServer, type TLSSocket } from 'node:tls'
import t from 'tap'
import { type Flaw, type KeyPair, Pki, runCommand, seedServerRequest, withFlaw } from '../index.js'

t.test("a shoot's certificates pass mutual TLS 1.3", async (t) => {
  await using pki = await Pki.create()
  const shoot = await pki.shoot()
  t.equal(await verdict(shoot.seedServer, shoot.tunnelCa.certFile), 'accepted')
  t.equal(await verdict(shoot.egressServer, shoot.egressCa.certFile), 'accepted')
  t.equal(await verdict(shoot.seedServer, shoot.egressCa.certFile), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  for (const [pair, ca, purpose] of [
    [shoot.shootClient, shoot.tunnelCa, 'sslclient'],
    [shoot.apiserver, shoot.egressCa, 'sslclient'],
  ] as const) {
    const check = await runCommand('openssl', [
      'verify',
      '-purpose',
      purpose,
      '-CAfile',
      ca.certFile,
      pair.certFile,
    ])
    t.equal(check.code, 0, check.stderr)
  }
})

// Node takes the CN for the name where there is no SAN.
const refusals: Readonly<Record<Flaw, string>> = {
  expired: 'CERT_HAS_EXPIRED',
  'not-yet-valid': 'CERT_NOT_YET_VALID',
  'wrong-name': 'ERR_TLS_CERT_ALTNAME_INVALID',
  'wrong-usage': 'INVALID_PURPOSE',
  'no-san': 'accepted',
  'mismatched-key': 'ERR_OSSL_X509_KEY_VALUES_MISMATCH',
}

for (const [flaw, refusal] of Object.entries(refusals) as [Flaw, string][]) {
  t.test(`a server certificate that is ${flaw} gets ${refusal}`, async (t) => {
    await using pki = await Pki.create()
    const ca = await pki.authority('ca')
    const pair = await ca.issue(withFlaw(seedServerRequest(), flaw))
    t.equal(await verdict(pair, ca.certFile), refusal)
  })
}

t.test('a revoked certificate is on the list, others are not', async (t) => {
  await using pki = await Pki.create()
  const ca = await pki.authority('ca')
  const [good, bad] = await Promise.all([ca.issue(seedServerRequest()), ca.issue(seedServerRequest())])
  await ca.revoke(bad)
  const crlFile = await ca.writeCrl()
  t.equal(await verdict(good, ca.certFile, crlFile), 'accepted')
  t.equal(await verdict(bad, ca.certFile, crlFile), 'CERT_REVOKED')
})

t.test('the directory goes with the PKI', async (t) => {
  const pki = await Pki.create()
  await pki.authority('ca')
  await pki[Symbol.asyncDispose]()
  t.notOk(existsSync(pki.dir))
})

/** What a TLS client makes of a server with this certificate: `accepted` or the error's code. */
async function verdict(pair: KeyPair, caFile: string, crlFile?: string): Promise<string> {
  try {
    const server = createServer({ cert: readFileSync(pair.certFile), key: readFileSync(pair.keyFile) })
    server.on('tlsClientError', () => {}).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const socket: TLSSocket = connect({
      port,
      host: '127.0.0.1',
      servername: 'vpn-seed-server',
      ca: readFileSync(caFile),
      ...(crlFile === undefined ? {} : { crl: readFileSync(crlFile) }),
      minVersion: 'TLSv1.3',
    })
    try {
      await once(socket, 'secureConnect')
      return 'accepted'
    } finally {
      socket.destroy()
      server.close()
    }
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  }
}
