import { readIpJson } from './run-tool.js'

/** An interface as the kernel tells of it to anyone. */
export interface TunLink {
  readonly isTun: boolean
  readonly isUp: boolean
  readonly mtu: number
  /** How many packets each queue holds; with none the kernel drops everything, without a word. */
  readonly txQueueLength: number
  /** Queues that processes have open, detached ones included. */
  readonly queues: number
  /** Text left on the interface by someone who may change it. */
  readonly alias: string | undefined
  /** With prefix length; none that is link-local. */
  readonly addresses: readonly string[]
}

interface LinkJson {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly mtu: number
  /** Left out where it is 0. */
  readonly txqlen?: number
  readonly ifalias?: string
  readonly linkinfo?: {
    readonly info_kind?: string
    readonly info_data?: {
      readonly type?: string
      readonly numqueues?: number
      readonly numdisabled?: number
    }
  }
  readonly addr_info?: readonly {
    readonly local?: string
    readonly prefixlen?: number
    readonly scope?: string
  }[]
}

/** `undefined` when there is no interface of that name. Needs no capability. @throws NetworkError as `runTool` */
export async function readTunLink(name: string): Promise<TunLink | undefined> {
  // All of them are listed: asked for one that is not there, `ip` fails as it does for any other reason.
  const links = await readIpJson<LinkJson>(['-details', 'address', 'show'])
  const link = links.find(({ ifname }) => ifname === name)
  if (link === undefined) return undefined
  const { info_kind: kind, info_data: data = {} } = link.linkinfo ?? {}
  return {
    isTun: kind === 'tun' && data.type === 'tun',
    isUp: link.flags.includes('UP'),
    mtu: link.mtu,
    txQueueLength: link.txqlen ?? 0,
    queues: (data.numqueues ?? 0) + (data.numdisabled ?? 0),
    alias: link.ifalias,
    addresses: (link.addr_info ?? [])
      .filter(({ local, scope }) => local !== undefined && scope !== 'link')
      .map(({ local, prefixlen }) => `${local}/${prefixlen}`),
  }
}
