import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { SyscallError } from './syscall-error.js'

/** Why the addon can't be had: it was never built (or for another machine), or this is not Linux. */
type TunAddonErrorCode = 'ERR_TUN_ADDON_NOT_BUILT' | 'ERR_TUN_UNSUPPORTED_PLATFORM'

/** The native addon could not be loaded; `cause` is the loader's own error. */
export class TunAddonError extends Error {
  override readonly name = 'TunAddonError'
  readonly code: TunAddonErrorCode

  constructor(code: TunAddonErrorCode, message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}

/** One queue as the addon knows it; methods as on `TunQueue`, ioctls with their raw numbers. */
export interface NativeQueue {
  readonly name: string
  readBatch(target: Uint8Array, headroomBytes: number, lengths: Uint32Array): number
  writeBatch(
    chunks: readonly Uint8Array[],
    pieces: Uint32Array,
    frameCount: number,
    errnos: Int32Array,
  ): number
  startPolling(onReadable: () => void): void
  stopPolling(): void
  setAttached(attached: boolean): void
  setOffload(mask: number): void
  setPersistent(flag: number): void
  setOwner(uid: number): void
  setGroup(gid: number): void
  close(): void
}

/** A netlink socket. */
export interface NativeNetlink {
  /** @throws SyscallError EPERM where the group is for CAP_NET_ADMIN alone */
  join(group: number): void
  /** @returns bytes of the next datagram, 0 when none waits. @throws SyscallError ENOBUFS when some were left out */
  receive(buffer: Uint8Array): number
  startPolling(onReadable: () => void): void
  close(): void
}

interface NativeAddon {
  readonly Netlink: new (protocol: number) => NativeNetlink
  readonly Queue: new (name: string, exclusive: boolean) => NativeQueue
  setErrorClass(errorClass: typeof SyscallError): void
  setSocketOptionNumber(fd: number, level: number, option: number, value: number): void
  getSocketOptionNumber(fd: number, level: number, option: number): number
  setSocketOptionText(fd: number, level: number, option: number, value: string): void
  getSocketOptionText(fd: number, level: number, option: number): string
  getSocketOptionBytes(fd: number, level: number, option: number, buffer: Uint8Array): number
  openTcpSocket(family: number): number
  getUnreadBytes(fd: number): number
  forwardIpv4(name: string): void
}

const BUILT_HERE = '../build/Release/tun.node'

let loaded: NativeAddon | undefined

/**
 * The addon, loaded by the first call so that the fake works where nothing was built.
 * @throws TunAddonError
 */
export function loadNativeAddon(): NativeAddon {
  loaded ??= load()
  return loaded
}

function load(): NativeAddon {
  if (process.platform !== 'linux') {
    throw new TunAddonError(
      'ERR_TUN_UNSUPPORTED_PLATFORM',
      `TUN devices need linux, this is ${process.platform}`,
    )
  }
  try {
    const addon = requireAddon()
    addon.setErrorClass(SyscallError)
    return addon
  } catch (cause) {
    const message = 'the TUN addon is not built for this machine: npm run build:native'
    throw new TunAddonError('ERR_TUN_ADDON_NOT_BUILT', message, cause)
  }
}

/** The one that was built on this machine; where there is none for it, the one that was packed. */
function requireAddon(): NativeAddon {
  const requireHere = createRequire(import.meta.url)
  try {
    return requireHere(BUILT_HERE)
  } catch (error) {
    const prebuilt = fileURLToPath(new URL(`../prebuilds/${targetOfThisProcess()}/tun.node`, import.meta.url))
    if (!existsSync(prebuilt)) throw error
    return requireHere(prebuilt)
  }
}

/** As `scripts/build-prebuilt.mjs` names them. */
function targetOfThisProcess(): string {
  // The header of a report names glibc's version where that is the C library; nothing else here tells.
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } }
  return `linux-${process.arch}-${header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'}`
}
