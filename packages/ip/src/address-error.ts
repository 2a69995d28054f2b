type AddressErrorCode = 'ERR_CIDR_INVALID' | 'ERR_CIDR_HOST_BITS'

/** A text that is no address or no network. The message says what was seen and what is expected. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
  readonly code: AddressErrorCode

  constructor(code: AddressErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
