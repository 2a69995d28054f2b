import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout']
const CONFIG = '[ca]\ndefault_ca=a\n[a]\ndatabase=index.txt\ncertificate=ca.crt\nprivate_key=ca.key\n'

/** A certificate with its key, PEM. */
export interface Pair {
  readonly cert: string
  readonly key: string
}

/** A certification authority in a directory, made with openssl. */
export class Authority {
  readonly ca: string
  readonly #dir: string

  constructor(dir: string, name: string) {
    this.#dir = join(dir, name)
    mkdirSync(this.#dir)
    const extensions = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign']
    const subject = ['-days', '2', '-subj', `/CN=${name}`, ...extensions]
    this.#openssl('req', '-x509', ...NEW_KEY, 'ca.key', '-out', 'ca.crt', ...subject)
    writeFileSync(join(this.#dir, 'index.txt'), '')
    writeFileSync(join(this.#dir, 'ca.cnf'), CONFIG)
    this.ca = this.#read('ca.crt')
  }

  /**
   * Good for both ends of a connection.
   * @param extensions lines of an extension file of openssl, in place of the name as the only DNS name
   */
  issue(name: string, extensions = `subjectAltName=DNS:${name}`): Pair {
    const usage = 'extendedKeyUsage=serverAuth,clientAuth'
    writeFileSync(join(this.#dir, 'ext'), `${extensions}\n${usage}\n`)
    this.#openssl('req', '-new', ...NEW_KEY, 'leaf.key', '-out', 'leaf.csr', '-subj', `/CN=${name}`)
    const issuer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
    this.#openssl('x509', '-req', '-in', 'leaf.csr', ...issuer, '-extfile', 'ext', '-out', 'leaf.crt')
    return { cert: this.#read('leaf.crt'), key: this.#read('leaf.key') }
  }

  /** The list of what was revoked so far, that certificate included. @param lifetime options of `openssl ca` */
  revocationList(revoked?: Pair, lifetime: readonly string[] = ['-crldays', '1']): string {
    if (revoked !== undefined) {
      writeFileSync(join(this.#dir, 'revoked.crt'), revoked.cert)
      this.#openssl('ca', '-config', 'ca.cnf', '-md', 'sha256', '-revoke', 'revoked.crt')
    }
    const list = ['-gencrl', ...lifetime, '-out', 'ca.crl']
    this.#openssl('ca', '-config', 'ca.cnf', '-md', 'sha256', ...list)
    return this.#read('ca.crl')
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#dir, stdio: 'pipe' })
  }

  #read(file: string): string {
    return readFileSync(join(this.#dir, file), 'utf8')
  }
}
