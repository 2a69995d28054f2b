import { TunError } from '@reversed-vpn/node-tun'
import { type CloseCode, TunnelError, type TunnelErrorCode } from '@reversed-vpn/protocol'
import { DialError, type DialFailure } from '../dial/transport.js'

/** An error on its way between threads, where classes do not survive. */
export type TransferredError =
  | {
      readonly kind: 'tunnel'
      readonly code: TunnelErrorCode
      readonly message: string
      readonly closeCode?: CloseCode
    }
  | {
      readonly kind: 'tun'
      readonly code: string
      readonly message: string
      readonly errno: number
      readonly syscall: string
    }
  | {
      readonly kind: 'dial'
      readonly failure: DialFailure
      readonly message: string
      readonly cause: TransferredError
    }
  | { readonly kind: 'other'; readonly code: string | undefined; readonly message: string }

export function packError(error: unknown): TransferredError {
  const { message, code, cause } = error as NodeJS.ErrnoException
  if (error instanceof TunnelError) {
    const { closeCode } = error
    return { kind: 'tunnel', code: error.code, message, ...(closeCode === undefined ? {} : { closeCode }) }
  }
  if (error instanceof TunError)
    return { kind: 'tun', code: error.code, message, errno: error.errno, syscall: error.syscall }
  if (error instanceof DialError)
    return { kind: 'dial', failure: error.failure, message, cause: packError(cause ?? error.message) }
  return {
    kind: 'other',
    code: typeof code === 'string' ? code : undefined,
    message: message ?? String(error),
  }
}

export function unpackError(packed: TransferredError): Error {
  switch (packed.kind) {
    case 'tunnel': {
      const { code, message, closeCode } = packed
      return new TunnelError(code, message, closeCode === undefined ? {} : { closeCode })
    }
    case 'tun':
      return new TunError(packed.code, packed.errno, packed.syscall, packed.message)
    case 'dial':
      return new DialError(packed.failure, packed.message, unpackError(packed.cause))
    case 'other':
      return Object.assign(new Error(packed.message), packed.code === undefined ? {} : { code: packed.code })
    default:
      return packed satisfies never
  }
}
