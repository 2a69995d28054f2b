import type { DirectionDecision } from '../feature-gate/decide-direction.js'
import type { Version } from '../feature-gate/version.js'
import type { IngressGateway } from '../input/gardenlet-configuration.js'
import type { NodeTolerationSeconds } from '../input/node-toleration.js'
import type { ConnectEndpoint } from '../names.js'

/** Container images by program. */
interface Images {
  readonly seedServer: string
  readonly shootClient: string
}

/** All that the manifests of one shoot depend on. The same setting renders the same bytes. */
export interface RenderSetting {
  readonly direction: DirectionDecision
  /** The namespace of the shoot's control plane in the seed. */
  readonly seedNamespace: string
  /** Of the shoot. The seed is expected to have the stable APIs of Kubernetes 1.25. */
  readonly kubernetesVersion: Version
  readonly networks: {
    readonly pods: readonly string[]
    readonly services: readonly string[]
    readonly nodes: readonly string[]
  }
  readonly families: readonly (4 | 6)[]
  readonly transferNetworks: readonly string[]
  /** DNS name of the shoot's API server. It resolves to the endpoint that all shoots of the seed share. */
  readonly apiServerHost: string
  /** DNS name of the shoot's own load balancer, where the seed dials. */
  readonly shootHost: string
  /** What the shared endpoint is: Istio, or our own gateway. */
  readonly endpoint: 'istio' | 'sni-gateway'
  /** The pods of that endpoint. */
  readonly ingress: IngressGateway
  /** How the shoot passes the endpoint. */
  readonly transport: 'connect' | 'sni'
  /** Where the endpoint takes CONNECT, and by which header it routes. */
  readonly connect: ConnectEndpoint
  readonly images: Images
  /** The field of kube-apiserver's container that holds its flags. */
  readonly apiServerFlagsIn: 'command' | 'args'
  /** Where kube-apiserver listens in its pod. */
  readonly apiServerPorts: readonly number[]
  readonly tolerationSeconds: NodeTolerationSeconds
  /** Whether pods request the sysctl for IPv6 forwarding, which is off in a new pod. */
  readonly hasPodSysctls: boolean
}
