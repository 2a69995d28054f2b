import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  getBbrPacingGain,
  getTcpCongestion,
  getTcpInfo,
  setMaxPacingRate,
  socketDescriptor,
  type TcpInfo,
} from '@reversed-vpn/node-tun/socket'
import { trySetCongestion } from '../congestion.js'

/** As much as the kernel takes as a limit, of 31 bits here: 17 Gbit/s. */
const MAX_RATE = 2 ** 31 - 1

/** What is asked and told of the connection below a lane. */
export interface SendingPath {
  /** Undefined when the connection is closed or not the kernel's. */
  readInfo(): TcpInfo | undefined
  /** As {@link getBbrPacingGain}. */
  readBbrPacingGain(): number | undefined
  /** As {@link getTcpCongestion}. */
  readCongestion(): string | undefined
  /** Whether it was set: the kernel may refuse it. */
  setCongestion(name: string): boolean
  /** As {@link setMaxPacingRate}. */
  setMaxRate(bytesPerSecond: number | undefined): void
}

/** The TCP connection below a stream. Nothing is known of a stream that is no socket. */
export function sendingPathOf(stream: Duplex): SendingPath {
  const descriptor = () => (stream instanceof Socket ? socketDescriptor(stream) : undefined)
  return {
    readInfo() {
      const fd = descriptor()
      return fd === undefined ? undefined : getTcpInfo(fd)
    },
    readBbrPacingGain() {
      const fd = descriptor()
      return fd === undefined ? undefined : getBbrPacingGain(fd)
    },
    readCongestion() {
      const fd = descriptor()
      return fd === undefined ? undefined : getTcpCongestion(fd)
    },
    setCongestion(name) {
      const fd = descriptor()
      return fd !== undefined && trySetCongestion(fd, name)
    },
    setMaxRate(bytesPerSecond) {
      const fd = descriptor()
      if (fd !== undefined)
        setMaxPacingRate(fd, bytesPerSecond === undefined ? undefined : Math.min(bytesPerSecond, MAX_RATE))
    },
  }
}
