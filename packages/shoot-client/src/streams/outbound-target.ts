import { Socket, type SocketConstructorOpts } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { Duplex } from 'node:stream'
import { canonicalAddress } from '@reversed-vpn/ip'
import { type ByteBudget, type JoinedEnd, resetConnection } from '@reversed-vpn/relay'

/** Quiet connections (an idle `kubectl exec`) stay; probes only find out which have died. */
const KEEP_ALIVE = { keepAlive: true, keepAliveInitialDelay: 60_000 } as const

/** A connection that was dialled for a stream. */
export class OutboundTarget implements JoinedEnd {
  readonly socket: Socket
  /** The address that was dialled, canonical. */
  readonly address: string

  constructor(socket: Socket, address: string) {
    this.socket = socket
    this.address = address
  }

  reset(): void {
    resetConnection(this.socket)
  }
}

/** The end of a stream that the seed side has opened; it is told why the target broke. */
export class OpenersEnd implements JoinedEnd {
  readonly socket: Duplex
  readonly #target: OutboundTarget

  constructor(stream: Duplex, target: OutboundTarget) {
    this.socket = stream
    this.#target = target
  }

  reset(): void {
    this.socket.destroy(this.#target.socket.errored ?? undefined)
  }
}

/** A half-open, paused socket, not yet connected, that is read in chunks of the budget. */
export function createOutboundSocket(budget: ByteBudget): Socket {
  const options: SocketConstructorOpts & typeof KEEP_ALIVE & { noDelay: boolean; onread: object } = {
    ...KEEP_ALIVE,
    allowHalfOpen: true,
    noDelay: true,
    onread: budget.reads(),
  }
  return new Socket(options as SocketConstructorOpts).pause()
}

/** Whether an address, canonical, is of an interface of this host. */
export function isOwnAddress(address: string): boolean {
  return Object.values(networkInterfaces()).some((interfaces = []) =>
    interfaces.some((own) => canonicalAddress(own.address.replace(/%.*$/, '')) === address),
  )
}
