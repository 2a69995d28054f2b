import { constants } from 'node:os'
import type { TunDevice, TunQueue } from './tun-device.js'

/** Stands for a TUN interface where there is none: nothing comes out of it, and what is written is refused with ENODEV. */
export function noTunDevice(): TunDevice {
  return {
    name: '',
    openQueue: () => NO_QUEUE,
    setOffload: () => {},
    setOwner: () => {},
    setPersistent: () => {},
    close: () => {},
  }
}

const NO_QUEUE: TunQueue = {
  readBatch: () => 0,
  writeBatch: (_chunks, _pieces, frameCount, errnos) => {
    errnos.fill(constants.errno.ENODEV, 0, frameCount)
    return frameCount
  },
  startPolling: () => {},
  stopPolling: () => {},
  detach: () => {},
  attach: () => {},
  close: () => {},
}
