/** Where a process stands on the path. */
export type Role = 'seed' | 'shoot' | 'proxy'

/** A program that a peer consists of. */
export interface PeerProcess {
  readonly role: Role
  readonly pid: number
}
