type TlsMaterialErrorCode = 'ERR_TLS_FILE' | 'ERR_TLS_CERTIFICATE' | 'ERR_TLS_KEY_MISMATCH'

/** A certificate file that cannot be used: which, and why. One line. */
export class TlsMaterialError extends Error {
  override readonly name = 'TlsMaterialError'
  readonly code: TlsMaterialErrorCode
  readonly file: string

  constructor(code: TlsMaterialErrorCode, file: string, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
    this.file = file
  }
}
