import { createRequire } from 'node:module'
import { TunAddonError, TunError } from './tun-error.js'

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

interface NativeAddon {
  readonly Queue: new (name: string, exclusive: boolean) => NativeQueue
  setErrorClass(errorClass: typeof TunError): void
  setSocketOptionNumber(fd: number, level: number, option: number, value: number): void
  getSocketOptionNumber(fd: number, level: number, option: number): number
  setSocketOptionText(fd: number, level: number, option: number, value: string): void
  getSocketOptionText(fd: number, level: number, option: number): string
}

const ADDON_PATH = '../build/Release/tun.node'

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
    const addon: NativeAddon = createRequire(import.meta.url)(ADDON_PATH)
    addon.setErrorClass(TunError)
    return addon
  } catch (cause) {
    const message = 'the TUN addon is not built for this machine: npm run build:native'
    throw new TunAddonError('ERR_TUN_ADDON_NOT_BUILT', message, cause)
  }
}
