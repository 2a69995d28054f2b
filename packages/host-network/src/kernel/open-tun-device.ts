import { openTun, SyscallError, type TunDevice } from '@reversed-vpn/node-tun'
import { NetworkError } from '../network-error.js'

/** What the kernel means by refusing a call of `openTun`, and what is expected. @param hint for a lack of rights */
const REFUSALS: Readonly<Record<string, (hint: string) => string>> = {
  'open EPERM': () =>
    'the device cgroup denies /dev/net/tun, expected a rule that allows the device (c 10:200 rwm)',
  'open EACCES': () => '/dev/net/tun may not be opened, expected permission to read and write it',
  'open ENOENT': () => 'there is no /dev/net/tun, expected the device (c 10:200)',
  'open ENXIO': () => 'the kernel has no driver for /dev/net/tun, expected its module tun',
  'open ENODEV': () => 'the kernel has no driver for /dev/net/tun, expected its module tun',
  'ioctl(TUNSETIFF) EPERM': (hint) => hint,
}

/**
 * Opens a TUN.
 * @param hint what is expected where the right to make or open the interface is missing
 * @throws NetworkError ERR_TUN_NOT_PERMITTED; SyscallError for what no lack of rights explains, such as EBUSY
 */
export function openTunDevice(name: string, exclusive: boolean, hint: string): TunDevice {
  try {
    return openTun({ name, exclusive })
  } catch (error) {
    throw error instanceof SyscallError ? explainRefusal(name, error, hint) : error
  }
}

/** The error in words, or itself. */
export function explainRefusal(name: string, error: SyscallError, hint: string): Error {
  const words = REFUSALS[`${error.syscall} ${error.code}`]?.(hint)
  if (words === undefined) return error
  const message = `interface ${name} may not be opened by uid ${process.getuid?.()} (${error.code}): ${words}`
  return new NetworkError('ERR_TUN_NOT_PERMITTED', message, { cause: error })
}
