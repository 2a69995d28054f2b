import { noTunDevice, QueueSet, type TunDevice } from '@reversed-vpn/node-tun'
import type { OffloadKind } from '@reversed-vpn/protocol'
import { findAcceptedOffloads } from './kernel/offload-self-test.js'
import { openTunDevice } from './kernel/open-tun-device.js'
import { readTunLink } from './kernel/tun-link.js'
import { NetworkError } from './network-error.js'
import { describeOwner, markOn, type SetupMark } from './setup/setup-mark.js'

/**
 * Who creates TUN, addresses, routes and firewall: `own` is the daemon, `prepared` is an earlier `setup`, `auto` is `prepared`
 * where `setup` has run, else `own`.
 */
export const NETWORK_SETUPS = ['auto', 'own', 'prepared'] as const
export type NetworkSetup = (typeof NETWORK_SETUPS)[number]

interface TunnelInterfaceOptions {
  readonly name: string
  /** `off` uses none. */
  readonly offload: 'auto' | 'off'
  readonly setup: NetworkSetup
}

/** A TUN interface of a daemon, with what it was found to be able to do. */
export interface TunnelInterface {
  readonly name: string
  /** Made by `setup`: it stays when it is closed, and so do addresses, routes and firewall, which are nobody's to change. */
  readonly isPrepared: boolean
  readonly queues: QueueSet
  /** What this kernel takes from us in a frame; the peer is told. */
  readonly accepts: readonly OffloadKind[]
  /** The kernel then leaves to the peer what the peer takes, and finishes everything else itself. */
  useOffloadsOf(peerAccepts: readonly OffloadKind[]): void
  close(): void
}

/**
 * Makes the interface, which must not exist yet, and finds out which offloads work here; or opens the one that `setup` made,
 * which needs no capability.
 * @throws SyscallError EBUSY and others of `openTun`
 * @throws NetworkError ERR_TUN_NOT_PERMITTED, ERR_NETWORK_NOT_PREPARED, ERR_TUN_IN_USE, or as `runTool`
 */
export async function openTunnelInterface(options: TunnelInterfaceOptions): Promise<TunnelInterface> {
  const { name, setup } = options
  const link = setup === 'own' ? undefined : await readTunLink(name)
  const mark = markOn(link)
  if (mark !== undefined) return openPrepared(options, mark)
  if (setup !== 'prepared') return makeOwn(options)
  const seen =
    link === undefined ? `there is no interface ${name}` : `interface ${name} was not made by setup`
  throw new NetworkError('ERR_NETWORK_NOT_PREPARED', `${seen}, expected one that setup made`)
}

/** In place of an interface where no packets are carried. It has no name, and takes none of them. */
export function withoutInterface(): TunnelInterface {
  return describeInterface(noTunDevice(), new QueueSet(noTunDevice()), [], false, 'off')
}

function makeOwn({ name, offload }: TunnelInterfaceOptions): Promise<TunnelInterface> {
  const device = openTunDevice(
    name,
    true,
    `expected CAP_NET_ADMIN, or an interface that setup made beforehand`,
  )
  return closedOnError(device, () => {
    const queues = new QueueSet(device)
    const accepts = offload === 'auto' ? findAcceptedOffloads(queues.queue(0)) : []
    return describeInterface(device, queues, accepts, false, offload)
  })
}

/** What works was found by `setup`, when the interface was still down. */
async function openPrepared(
  { name, offload }: TunnelInterfaceOptions,
  mark: SetupMark,
): Promise<TunnelInterface> {
  await checkQueues(name, 0)
  const device = openTunDevice(name, false, `it was set up for ${describeOwner(mark)}`)
  return closedOnError(device, async () => {
    // Of two that open it at once neither would know of the other before.
    await checkQueues(name, 1)
    const accepts = offload === 'auto' ? mark.accepts : []
    return describeInterface(device, new QueueSet(device), accepts, true, offload)
  })
}

/** A second daemon would take half of the packets: the kernel spreads them over all queues. */
async function checkQueues(name: string, expected: number): Promise<void> {
  const link = await readTunLink(name)
  if (link === undefined || link.queues <= expected) return
  throw new NetworkError('ERR_TUN_IN_USE', `interface ${name} is in use by another process`)
}

async function closedOnError<T>(device: TunDevice, use: () => T | Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    device.close()
    throw error
  }
}

function describeInterface(
  device: TunDevice,
  queues: QueueSet,
  accepts: readonly OffloadKind[],
  isPrepared: boolean,
  offload: 'auto' | 'off',
): TunnelInterface {
  return {
    name: device.name,
    isPrepared,
    queues,
    accepts,
    useOffloadsOf: (peerAccepts) => setOffload(device, offload === 'auto' ? peerAccepts : []),
    close: () => device.close(),
  }
}

/** TCP segmentation needs checksums left undone. */
function setOffload(device: TunDevice, kinds: readonly OffloadKind[]): void {
  const checksum = kinds.includes('checksum')
  device.setOffload({
    checksum,
    tso4: checksum && kinds.includes('tso4'),
    tso6: checksum && kinds.includes('tso6'),
  })
}
