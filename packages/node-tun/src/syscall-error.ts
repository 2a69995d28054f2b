import { constants } from 'node:os'
import { getSystemErrorMap } from 'node:util'

/** A system call on a TUN or a socket that the kernel refused. `code`, `errno` and `syscall` are as on Node's own errors. */
export class SyscallError extends Error {
  override readonly name = 'SyscallError'
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

/**
 * Whether a call on a TUN failed because its interface was deleted. Reads, writes and most ioctls report EBADFD then;
 * attaching or detaching a queue reports EINVAL, which {@link TunQueue} never causes otherwise. Every other refusal is of one
 * call or one socket.
 */
export function isDeviceGone(error: unknown): error is SyscallError {
  if (!(error instanceof SyscallError)) return false
  return error.code === 'EBADFD' || (error.code === 'EINVAL' && error.syscall === 'ioctl(TUNSETQUEUE)')
}

// asm-generic/errno.h. Node has no name for it.
export const EBADFD = 77

/** The error that the kernel would give, for a call that does not reach it. */
export function createSyscallError(
  code: keyof typeof constants.errno | 'EBADFD',
  syscall: string,
  name: string,
): SyscallError {
  const errno = code === 'EBADFD' ? -EBADFD : -constants.errno[code]
  const [, description = 'file descriptor in bad state'] = getSystemErrorMap().get(errno) ?? []
  return new SyscallError(code, errno, syscall, `${code}: ${description}, ${syscall} '${name}'`)
}
