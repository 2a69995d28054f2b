import type { DirectionDecision } from '../feature-gate/decide-direction.js'
import type { Version } from '../feature-gate/version.js'
import type { IngressGateway } from '../input/gardenlet-configuration.js'
import type { NodeTolerationSeconds } from '../input/node-toleration.js'
import type { ConnectEndpoint, SecretNames } from '../names.js'

/** Container images by program. */
interface Images {
  readonly seedServer: string
  readonly shootClient: string
}

/** What is known of the Deployment of kube-apiserver, which somebody else renders. */
interface ApiServer {
  readonly deployment: string
  readonly container: string
  /** The field of its container that holds its flags. */
  readonly flagsIn: 'command' | 'args'
  /** Of its pods. */
  readonly labels: Readonly<Record<string, string>>
  /** Where it listens in its pod. */
  readonly ports: readonly number[]
}

/** All that the manifests of one shoot depend on. The same setting renders the same bytes. */
export interface RenderSetting {
  readonly direction: DirectionDecision
  /** Where both clusters come from. Gardener's seeds have a VerticalPodAutoscaler, its shoots a controller for DNS names. */
  readonly platform: 'gardener' | 'kubernetes'
  /** The namespace of the shoot's control plane in the seed. */
  readonly seedNamespace: string
  /** The namespace of the shoot-client in the shoot. */
  readonly shootNamespace: string
  /** Of the shoot. The seed is expected to have the stable APIs of Kubernetes 1.25. */
  readonly kubernetesVersion: Version
  readonly networks: {
    readonly pods: readonly string[]
    readonly services: readonly string[]
    readonly nodes: readonly string[]
  }
  readonly families: readonly (4 | 6)[]
  readonly transferNetworks: readonly string[]
  /** Where the shoot dials the endpoint that all shoots of the seed share: for Gardener the name of its API server. */
  readonly endpointAddress: { readonly host: string; readonly port: number }
  /** DNS name or address of the shoot's own load balancer, where the seed dials. */
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
  readonly secrets: SecretNames
  readonly apiServer: ApiServer
  readonly tolerationSeconds: NodeTolerationSeconds
  /** Whether pods request the sysctl for IPv6 forwarding, which is off in a new pod. */
  readonly hasPodSysctls: boolean
}
