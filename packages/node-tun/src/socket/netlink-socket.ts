import { loadNativeAddon, type NativeNetlink } from '../native-addon.js'
import type { SyscallError } from '../syscall-error.js'

// linux/netlink.h
const PROTOCOLS = { route: 0, netfilter: 12 } as const

/** Longer messages are cut: their beginning says what they are about. */
const MESSAGE_BYTES = 16 * 1024

/** At a time: what else runs in this process goes on in between. */
const MESSAGES_PER_TURN = 64

interface NetlinkOptions {
  readonly protocol: keyof typeof PROTOCOLS
  /** Multicast groups by number: `RTNLGRP_…` of linux/rtnetlink.h, `NFNLGRP_…` of linux/netfilter/nfnetlink.h. */
  readonly groups: readonly number[]
  /**
   * Gets each datagram, valid until it returns: one or more messages, each with its header (netlink(7)). `undefined` where the
   * kernel left some out, since nobody had read for too long.
   */
  readonly onMessages: (datagram: Buffer | undefined) => void
}

/** A socket that hears what the kernel tells of the network. It keeps the event loop alive until it is closed. */
export interface NetlinkSocket {
  /** Forgets what waits to be heard. */
  discard(): void
  /** Idempotent. */
  close(): void
}

/** @throws SyscallError EPERM where a group is for CAP_NET_ADMIN alone, EMFILE, EPROTONOSUPPORT */
export function openNetlinkSocket({ protocol, groups, onMessages }: NetlinkOptions): NetlinkSocket {
  const { Netlink } = loadNativeAddon()
  const socket = new Netlink(PROTOCOLS[protocol])
  const buffer = Buffer.allocUnsafe(MESSAGE_BYTES)
  try {
    for (const group of groups) socket.join(group)
    socket.startPolling(() => receive(socket, buffer, MESSAGES_PER_TURN, onMessages))
  } catch (error) {
    socket.close()
    throw error
  }
  return {
    discard: () => receive(socket, buffer, Number.POSITIVE_INFINITY, () => {}),
    close: () => socket.close(),
  }
}

function receive(
  socket: NativeNetlink,
  buffer: Buffer,
  limit: number,
  onMessages: NetlinkOptions['onMessages'],
): void {
  for (let left = limit; left > 0; left--) {
    let bytes: number
    try {
      bytes = socket.receive(buffer)
    } catch (error) {
      // Closed by who was told last.
      if ((error as SyscallError).code === 'EBADF') return
      if ((error as SyscallError).code !== 'ENOBUFS') throw error
      onMessages(undefined)
      continue
    }
    if (bytes === 0) return
    onMessages(buffer.subarray(0, bytes))
  }
}
