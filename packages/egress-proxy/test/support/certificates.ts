import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const CALLER_NAME = 'kube-apiserver-http-proxy-client'

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/** A certification authority made with openssl, in a directory that `[Symbol.dispose]` removes. */
export class Authority {
  readonly #directory = mkdtempSync(join(tmpdir(), 'egress-test-'))
  readonly ca: string

  constructor() {
    this.#openssl(
      'req',
      '-x509',
      ...NEW_KEY,
      'ca.key',
      '-out',
      'ca.crt',
      '-days',
      '2',
      '-subj',
      '/CN=test-ca',
    )
    this.ca = this.#read('ca.crt')
  }

  /** @param usage the extended key usage, `serverAuth` or `clientAuth` */
  issue(name: string, usage: 'serverAuth' | 'clientAuth'): KeyPair {
    writeFileSync(join(this.#directory, 'ext'), `subjectAltName=DNS:${name}\nextendedKeyUsage=${usage}\n`)
    this.#openssl('req', ...NEW_KEY, 'leaf.key', '-out', 'leaf.csr', '-subj', `/CN=${name}`)
    const issuer = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
    this.#openssl('x509', '-req', '-in', 'leaf.csr', ...issuer, '-extfile', 'ext', '-out', 'leaf.crt')
    return { cert: this.#read('leaf.crt'), key: this.#read('leaf.key') }
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true })
  }

  #openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.#directory, stdio: 'pipe' })
  }

  #read(file: string): string {
    return readFileSync(join(this.#directory, file), 'utf8')
  }
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout']
