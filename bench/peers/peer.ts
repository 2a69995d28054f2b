import type { Lab, ShootCertificates } from '@reversed-vpn/test/lab'
import type { EgressEntry } from '../egress/load.js'
import type { PeerProcess } from '../measure/peer-process.js'

/**
 * `packets`: anything that is routed. `egress`: callers with mutual TLS, as a kube-apiserver is one. `egress-routed`: the same
 * traffic without the proxy, as the reference for it.
 */
export type Load = 'tcp' | 'packets' | 'egress' | 'egress-routed'

/** An open path from the seed into the shoot. It ends with its lab. */
export interface OpenPath {
  /** The programs that forward the traffic; none where the kernel alone does. */
  readonly processes: readonly PeerProcess[]
  /** The interface of the seed that leads into the shoot. */
  readonly seedDevice: string
  /** Where the caller finds the pod's ports. @default the pod's own address */
  readonly podAddress?: string
  readonly egress?: EgressEntry
}

/** One solution for the path from the seed into the shoot. */
export interface Peer {
  /** As `--peers` and the results name it. */
  readonly name: string
  readonly title: string
  /** A program given on the command line. @default false */
  readonly isExternal?: boolean
  /** The checkout of this project that its daemons are started from. @default none, or this one */
  readonly checkout?: string
  /** Go programs that it starts; they are built first. @default none */
  readonly programs?: readonly string[]
  /** The kinds of load it supports. @default ['tcp', 'packets'] */
  readonly supports?: readonly Load[]
  /** Resolves when traffic can flow. */
  open(lab: Lab, certificates: ShootCertificates): Promise<OpenPath>
}
