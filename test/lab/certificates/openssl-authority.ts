import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRunCommand } from '../hosts/run-command.js'

/** A certificate with its key, as files in PEM. */
export interface KeyPair {
  readonly certFile: string
  readonly keyFile: string
}

export interface CertificateRequest {
  readonly commonName: string
  /** @default no SAN of that kind; without any the extension is left out */
  readonly dnsNames?: readonly string[]
  readonly ipAddresses?: readonly string[]
  /** The extended key usage; `none` leaves the extension out. */
  readonly usage: 'server' | 'client' | 'both' | 'none'
  /** @default an hour ago */
  readonly validFrom?: Date
  /** @default in a day */
  readonly validTo?: Date
  /** Sign this key's public half and hand out another key with it. @default false */
  readonly isKeyMismatched?: boolean
}

const HOUR_MS = 3_600_000
const EXTENDED_USAGE = {
  server: 'serverAuth',
  client: 'clientAuth',
  both: 'serverAuth, clientAuth',
  none: undefined,
}

/** A certificate authority (ECDSA on P-256) run by `openssl ca` in a directory. */
export class OpensslAuthority {
  readonly name: string
  readonly certFile: string
  readonly #dir: string
  #issued = 0
  #last: Promise<unknown> = Promise.resolve()

  /** @param dir is made; everything about the authority stays in it */
  static async create(dir: string, name: string): Promise<OpensslAuthority> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    await writeFile(join(dir, 'index.txt'), '')
    await writeFile(join(dir, 'index.txt.attr'), 'unique_subject = no\n')
    await writeFile(join(dir, 'ca.cnf'), caConfig(dir))
    const subject = ['-subj', `/CN=${name}`, '-days', '2', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', 'ca.key']
    await mustRunCommand('openssl', ['req', '-x509', ...key, '-out', 'ca.crt', ...subject], { cwd: dir })
    return new OpensslAuthority(dir, name)
  }

  private constructor(dir: string, name: string) {
    this.#dir = dir
    this.name = name
    this.certFile = join(dir, 'ca.crt')
  }

  issue(request: CertificateRequest): Promise<KeyPair> {
    return this.#inTurn(() => this.#issue(request))
  }

  /** From the next `writeCrl` on, the certificate is on the list. */
  revoke(pair: KeyPair): Promise<void> {
    return this.#inTurn(async () => {
      await this.#openssl(['ca', '-config', 'ca.cnf', '-revoke', pair.certFile])
    })
  }

  /**
   * Writes the list of the certificates revoked so far, over the last one where there is one.
   * @param nextUpdate when it ends, to the second. @default in a day
   * @returns its file (PEM)
   */
  writeCrl(nextUpdate = new Date(Date.now() + 24 * HOUR_MS)): Promise<string> {
    return this.#inTurn(async () => {
      const begin = asn1Time(new Date(Math.min(Date.now(), nextUpdate.getTime()) - HOUR_MS))
      const lifetime = ['-crl_lastupdate', begin, '-crl_nextupdate', asn1Time(nextUpdate)]
      await this.#openssl(['ca', '-config', 'ca.cnf', '-gencrl', ...lifetime, '-out', 'ca.crl'])
      return join(this.#dir, 'ca.crl')
    })
  }

  async #issue(request: CertificateRequest): Promise<KeyPair> {
    const base = `${++this.#issued}-${request.commonName.replaceAll(/[^\w.-]/g, '_')}`
    await writeFile(join(this.#dir, `${base}.ext`), extensions(request))
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${base}.key`]
    await this.#openssl(['req', '-new', ...key, '-subj', `/CN=${request.commonName}`, '-out', `${base}.csr`])
    await this.#openssl([
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-extfile', `${base}.ext`],
      ...['-startdate', asn1Time(request.validFrom ?? new Date(Date.now() - HOUR_MS))],
      ...['-enddate', asn1Time(request.validTo ?? new Date(Date.now() + 24 * HOUR_MS))],
      ...['-in', `${base}.csr`, '-out', `${base}.crt`],
    ])
    if (request.isKeyMismatched === true) {
      await this.#openssl(['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${base}.key`])
    }
    return { certFile: join(this.#dir, `${base}.crt`), keyFile: join(this.#dir, `${base}.key`) }
  }

  async #openssl(args: readonly string[]): Promise<void> {
    await mustRunCommand('openssl', args, { cwd: this.#dir })
  }

  // `openssl ca` rewrites its database with every call and knows no lock.
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }
}

function caConfig(dir: string): string {
  return `[ca]
default_ca = lab
[lab]
database = ${dir}/index.txt
new_certs_dir = ${dir}
certificate = ${dir}/ca.crt
private_key = ${dir}/ca.key
rand_serial = yes
default_md = sha256
default_crl_days = 1
policy = any
[any]
commonName = supplied
`
}

function extensions(request: CertificateRequest): string {
  const names = [
    ...(request.dnsNames ?? []).map((name) => `DNS:${name}`),
    ...(request.ipAddresses ?? []).map((address) => `IP:${address}`),
  ]
  const usage = EXTENDED_USAGE[request.usage]
  return [
    'basicConstraints = critical, CA:FALSE',
    'keyUsage = critical, digitalSignature',
    'subjectKeyIdentifier = hash',
    'authorityKeyIdentifier = keyid',
    ...(usage === undefined ? [] : [`extendedKeyUsage = ${usage}`]),
    ...(names.length === 0 ? [] : [`subjectAltName = ${names.join(', ')}`]),
    '',
  ].join('\n')
}

/** `YYYYMMDDHHMMSSZ`, as openssl-ca(1) wants dates. */
function asn1Time(date: Date): string {
  return `${date.toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`
}
