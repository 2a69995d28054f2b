import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** A system call on a TUN or a socket that the kernel refused. `code`, `errno` and `syscall` are as on Node's own errors. */
export class TunError extends Error {
  override readonly name = 'TunError'
  /** The errno's name, for example `EPERM`. */
  readonly code: string
  /** The errno, negative. */
  readonly errno: number
  /** What was refused, for example `open` or `ioctl(TUNSETIFF)`. */
  readonly syscall: string

  constructor(code: string, errno: number, syscall: string, message: string) {
    super(message)
    this.code = code
    this.errno = errno
    this.syscall = syscall
  }
}

/** Why the addon can't be had: it was never built (or for another machine), or this is not Linux. */
export type TunAddonErrorCode = 'ERR_TUN_ADDON_NOT_BUILT' | 'ERR_TUN_UNSUPPORTED_PLATFORM'

/** The native addon could not be loaded; `cause` is the loader's own error. */
export class TunAddonError extends Error {
  override readonly name = 'TunAddonError'
  readonly code: TunAddonErrorCode

  constructor(code: TunAddonErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

// asm-generic/errno.h; Node names every errno below but this one, with which the kernel says that a TUN's interface is gone.
export const EBADFD = 77

/** The error the kernel's refusal would be, for what never reaches the kernel. */
export function createTunError(
  code: keyof typeof constants.errno | 'EBADFD',
  syscall: string,
  name: string,
): TunError {
  const errno = code === 'EBADFD' ? -EBADFD : -constants.errno[code]
  const [, description = 'file descriptor in bad state'] = getSystemErrorMap().get(errno) ?? []
  return new TunError(code, errno, syscall, `${code}: ${description}, ${syscall} '${name}'`)
}
