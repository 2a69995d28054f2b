import type { Lab, ShootCertificates } from '@reversed-vpn/test/lab'

/** Where a process stands on the path. */
export type Role = 'seed' | 'shoot' | 'proxy'

export interface PeerProcess {
  readonly role: Role
  readonly pid: number
}

/** `packets`: anything that is routed. `egress`: mutual TLS of callers, as a kube-apiserver comes. */
export type Load = 'tcp' | 'packets' | 'egress'

/** A way into the shoot that begins with mutual TLS to the seed. */
export interface EgressWay {
  readonly address: string
  /** The seed's port for each of the pod's. */
  portFor(podPort: number): number
  /** Whether a CONNECT names the pod. Where none does, the port alone decides. */
  readonly takesConnect: boolean
}

/** A path from the seed into the shoot that is open. It ends with its lab. */
export interface OpenPath {
  /** The programs that carry the traffic; none where the kernel alone does. */
  readonly processes: readonly PeerProcess[]
  /** The interface of the seed that leads into the shoot. */
  readonly seedDevice: string
  /** Where the caller finds the pod's ports. @default the pod's own address */
  readonly podAddress?: string
  readonly egress?: EgressWay
}

/** One way to get from the seed into the shoot. */
export interface Peer {
  /** As `--peers` and the results name it. */
  readonly name: string
  readonly title: string
  /** A program of the user's, which no table knows by name. @default false */
  readonly isExternal?: boolean
  /** What it can be measured with. @default what is routed: TCP and packets */
  readonly carries?: readonly Load[]
  /** Resolves when traffic can flow. */
  open(lab: Lab, certificates: ShootCertificates): Promise<OpenPath>
}
