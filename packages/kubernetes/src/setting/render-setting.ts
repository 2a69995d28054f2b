import type { Transport } from '../commands/render-options.js'
import type { DirectionDecision } from '../feature-gate/decide-direction.js'
import type { KubernetesVersion } from '../feature-gate/kubernetes-version.js'
import type { IngressGateway } from '../input/gardenlet-configuration.js'

/** Container images by the program they hold. */
export interface Images {
  readonly seedServer: string
  readonly shootClient: string
  readonly sniGateway: string
}

/** All that the manifests of one shoot depend on. Equal settings make equal bytes. */
export interface RenderSetting {
  readonly direction: DirectionDecision
  /** Where the shoot's control plane runs in the seed. */
  readonly seedNamespace: string
  /** Of the shoot; the seed is taken to have the stable interfaces of Kubernetes 1.25. */
  readonly kubernetesVersion: KubernetesVersion
  readonly networks: {
    readonly pods: readonly string[]
    readonly services: readonly string[]
    readonly nodes: readonly string[]
  }
  readonly families: readonly (4 | 6)[]
  readonly transferNetworks: readonly string[]
  /** Name of the shoot's API server, which resolves to the endpoint that all shoots of the seed share. */
  readonly apiServerHost: string
  /** Name of the shoot's own load balancer, where the seed dials. */
  readonly shootHost: string
  /** What the shared endpoint is: Istio, or our own gateway. */
  readonly endpoint: 'istio' | 'sni-gateway'
  readonly ingress: IngressGateway
  /** How the shoot gets through the endpoint. */
  readonly transport: Transport
  readonly images: Images
  /** Where kube-apiserver's container has its flags. */
  readonly apiServerFlagsIn: 'command' | 'args'
  /** Whether pods ask for the forwarding sysctl that they start without. */
  readonly hasPodSysctls: boolean
}
