import { openTun, type TunDevice } from '@reversed-vpn/node-tun'
import type { OffloadKind } from '@reversed-vpn/protocol'
import { findAcceptedOffloads } from './offload-self-test.js'
import { QueueSet } from './queue-set.js'

/** A TUN interface of a daemon, with what it was found to be able to do. */
export interface TunnelDevice {
  readonly name: string
  readonly queues: QueueSet
  /** What this kernel takes from us in a frame: told to the peer. */
  readonly accepts: readonly OffloadKind[]
  /** Lets the kernel hand over what the peer takes, and finish everything else itself. */
  useOffloadsOf(peerAccepts: readonly OffloadKind[]): void
  close(): void
}

/**
 * Makes the interface, which must not exist yet, and finds out which offloads work here. `off` uses none.
 * @throws TunError EPERM, EBUSY and others of `openTun`
 */
export function openTunnelDevice(name: string, offload: 'auto' | 'off'): TunnelDevice {
  const device = openTun({ name, exclusive: true })
  try {
    const queues = new QueueSet(device)
    const accepts = offload === 'auto' ? findAcceptedOffloads(queues.queue(0)) : []
    return {
      name: device.name,
      queues,
      accepts,
      useOffloadsOf: (peerAccepts) => setOffload(device, offload === 'auto' ? peerAccepts : []),
      close: () => device.close(),
    }
  } catch (error) {
    device.close()
    throw error
  }
}

/** The three need checksums left undone; UDP super-packets are not used: they break VXLAN inside a tunnel. */
function setOffload(device: TunDevice, kinds: readonly OffloadKind[]): void {
  const checksum = kinds.includes('checksum')
  device.setOffload({
    checksum,
    tso4: checksum && kinds.includes('tso4'),
    tso6: checksum && kinds.includes('tso6'),
    uso: false,
  })
}
