import type { Lab, ShootCertificates } from '@reversed-vpn/test/lab'

/** Where a process stands on the path. */
export type Role = 'seed' | 'shoot' | 'proxy'

export interface PeerProcess {
  readonly role: Role
  readonly pid: number
}

/** A path from the seed into the shoot that is open. It ends with its lab. */
export interface OpenPath {
  /** The programs that carry the traffic; none where the kernel alone does. */
  readonly processes: readonly PeerProcess[]
  /** The interface of the seed that leads into the shoot. */
  readonly seedDevice: string
}

/** One way to get from the seed into the shoot. */
export interface Peer {
  /** As `--peers` and the results name it. */
  readonly name: string
  readonly title: string
  /** A program of the user's, which no table knows by name. @default false */
  readonly isExternal?: boolean
  /** Resolves when traffic can flow. */
  open(lab: Lab, certificates: ShootCertificates): Promise<OpenPath>
}
