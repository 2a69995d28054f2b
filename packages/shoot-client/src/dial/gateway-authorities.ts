import { type CertificateFacts, loadAuthorities } from '@reversed-vpn/secure'

/** The authorities that a gateway's certificate is judged by, read again when it is asked for. */
export class GatewayAuthorities {
  readonly file: string
  #loaded: ReturnType<typeof loadAuthorities>

  /** @throws TlsMaterialError */
  constructor(file: string) {
    this.file = file
    this.#loaded = loadAuthorities(file)
  }

  /** PEM. */
  get ca(): string {
    return this.#loaded.ca
  }

  get certificates(): readonly CertificateFacts[] {
    return this.#loaded.certificates
  }

  /**
   * Reads the file again.
   * @returns what is new, for the log; undefined when nothing is
   * @throws TlsMaterialError, with what was there before in force
   */
  reload(): object | undefined {
    const loaded = loadAuthorities(this.file)
    if (loaded.ca === this.#loaded.ca) return undefined
    this.#loaded = loaded
    return { file: this.file, authorities: loaded.certificates.map(({ subject }) => subject) }
  }
}
