import { isIPv6, type Socket } from 'node:net'
import {
  type ByteBudget,
  dialTarget,
  resetConnection,
  TargetRefusal,
  type TargetResolver,
} from '@reversed-vpn/relay'
import { createSocket } from './create-socket.js'
import { probeSlowly } from './keep-alive.js'
import type { DialledTarget, TargetDialler, TargetRequest } from './target-dialler.js'

/** Where connections into the shoot come from: the tunnel's interface and its addresses. Without one, a family is not dialled. */
export interface TransferAddresses {
  /** @default whatever the routes say */
  readonly device?: string | undefined
  readonly ipv4?: string | undefined
  readonly ipv6?: string | undefined
}

interface TunDiallerParts {
  readonly transfer: TransferAddresses
  /** Looks names up where this process runs. */
  readonly resolver: TargetResolver
  /** What a stream may hold of what its target sends. */
  readonly budget: ByteBudget
}

/** Dials through the TUN: connections of this host's kernel, from the transfer addresses. */
export class TunDialler implements TargetDialler {
  readonly #resolver: TargetResolver
  readonly #createSocket: (address: string) => Socket
  readonly #localAddressFor: (address: string) => string | undefined

  constructor({ transfer, resolver, budget }: TunDiallerParts) {
    this.#resolver = resolver
    this.#createSocket = (address) => createSocket(isIPv6(address) ? 6 : 4, transfer.device, budget)
    this.#localAddressFor = (address) => (isIPv6(address) ? transfer.ipv6 : transfer.ipv4)
  }

  resolve(name: string, signal: AbortSignal): Promise<readonly string[]> {
    return this.#resolver.resolve(name, signal)
  }

  async dial({ addresses = [], port, timeoutMs, signal }: TargetRequest): Promise<DialledTarget> {
    const usable = addresses.filter((address) => this.#localAddressFor(address) !== undefined)
    const [first] = usable
    if (first === undefined)
      throw new TargetRefusal('unreachable', 'the tunnel has no address of the family of the target')
    const socket = await dialTarget(usable, {
      port,
      createSocket: this.#createSocket,
      localAddressFor: this.#localAddressFor,
      timeoutMs,
      signal,
    })
    probeSlowly(socket)
    return new TunTarget(socket, usable.length === 1 ? first : (socket.remoteAddress ?? first))
  }
}

class TunTarget implements DialledTarget {
  readonly carrier = 'tun'
  readonly socket: Socket
  readonly address: string

  constructor(socket: Socket, address: string) {
    this.socket = socket
    this.address = address
  }

  reset(): void {
    resetConnection(this.socket)
  }
}
