import {
  boolean,
  custom,
  defineOptions,
  filePath,
  hostName,
  integer,
  type OptionValues,
  oneOf,
  text,
} from '@reversed-vpn/daemon'
import { DEFAULT_TRANSFER_NETWORKS, parseNetworkCidr, transferAddressOf } from '@reversed-vpn/ip'
import { parseVersion, VERSION_SYNTAX } from '../feature-gate/version.js'
import { SNI_GATEWAY } from '../names.js'

export const image = text(/[a-z0-9][^\s]{0,300}/, 'an image such as example.org/seed-server:1.0.0', 'IMAGE')

const name = (expected: string) => text(/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/, expected, 'NAME')

/** The namespace of the gateway that `reversed-vpn gateway` renders. */
export const gatewayNamespace = { kind: name('a namespace') } as const

/** Hosted control planes in plain Kubernetes. */
export const CLUSTER_DESCRIPTION =
  'a hosted control plane without Gardener (YAML), as deploy/kubernetes/cluster.yaml shows it'

const version = custom({ placeholder: 'VERSION', expected: VERSION_SYNTAX, parse: parseVersion })

const network = custom({
  placeholder: 'CIDR',
  expected: 'a network such as 10.250.0.0/16',
  parse: (value) => parseNetworkCidr(value).text,
})

const transferNetwork = custom({
  placeholder: 'CIDR',
  expected: 'a network with room for two hosts',
  parse: (value) => transferAddressOf(value, 'seed').network,
})

/** Every option of `render`. @param tag of the images unless they are given: the version of this program */
export function renderOptions(tag: string) {
  return defineOptions({
    cluster: {
      kind: filePath(),
      group: 'Input',
      description: `${CLUSTER_DESCRIPTION}; instead of --gardenlet and --shoot`,
    },
    gardenlet: {
      kind: filePath(),
      group: 'Input',
      description: "the gardenlet's configuration (YAML): feature gates and ingress gateway",
    },
    shoot: {
      kind: filePath(),
      group: 'Input',
      description: 'the Shoot (YAML), best as `kubectl get shoot -o yaml` prints it',
    },
    'gardener-version': {
      kind: version,
      group: 'Input',
      description:
        'version of Gardener, which decides what feature gates mean that are not named, and the port and header of CONNECT; ' +
        'without it status.gardener of the Shoot, and without that one before 1.140',
    },
    'node-network': {
      kind: network,
      list: true,
      group: 'Input',
      description: "networks of the shoot's nodes, in addition to those in the Shoot",
    },
    'diff-from': {
      kind: filePath(),
      group: 'Input',
      placeholder: 'PATH',
      description:
        'print what changes compared with PATH: a rendered folder or stream, a Shoot, or a gardenlet configuration',
    },
    output: {
      kind: filePath(),
      group: 'Output',
      placeholder: 'DIR',
      description:
        'folder for the manifests, in seed/ and shoot/; without it they go to stdout as one stream',
    },

    istio: {
      kind: boolean(),
      group: 'Endpoint',
      description: 'use Istio as the shared endpoint; this is the default',
    },
    gateway: {
      kind: boolean(),
      group: 'Endpoint',
      description:
        'use our sni-gateway as the shared endpoint; `reversed-vpn gateway` renders it, once for a seed',
    },
    'gateway-namespace': {
      ...gatewayNamespace,
      group: 'Endpoint',
      description: `namespace of the sni-gateway in the seed; without it ${SNI_GATEWAY}`,
    },
    'exposure-handler': {
      kind: name('the name of a handler'),
      group: 'Endpoint',
      description:
        "handler of the shoot's exposure class, one of exposureClassHandlers; without it the one with the name of the class",
    },
    zone: {
      kind: name('the name of a zone'),
      group: 'Endpoint',
      description:
        "zone that the shoot's control plane is pinned to, on a seed with several: its zone has an ingress gateway of its own",
    },
    transport: {
      kind: oneOf(['connect', 'sni']),
      default: 'connect',
      group: 'Endpoint',
      description:
        'how the shoot passes the endpoint: connect = HTTP CONNECT on 8443 (before Gardener 1.140 on 8132), ' +
        'sni = TLS by server name on 443',
    },
    'api-server-host': {
      kind: hostName(),
      group: 'Endpoint',
      description:
        "DNS name of the shoot's API server, where the shoot dials; without it api. before spec.dns.domain",
    },
    'shoot-host': {
      kind: hostName(),
      group: 'Endpoint',
      description:
        "DNS name of the shoot's load balancer, where the seed dials; without it vpn-shoot. before spec.dns.domain",
    },

    'vpn-network': {
      kind: transferNetwork,
      list: true,
      default: DEFAULT_TRANSFER_NETWORKS,
      group: 'Pods',
      description: 'transfer networks, one per address family',
    },
    'image-seed-server': {
      kind: image,
      default: `reversed-vpn/seed-server:${tag}`,
      group: 'Pods',
      description: 'image of the seed-server',
    },
    'image-shoot-client': {
      kind: image,
      default: `reversed-vpn/shoot-client:${tag}`,
      group: 'Pods',
      description: 'image of the shoot-client',
    },
    'api-server-flags-in': {
      kind: oneOf(['command', 'args']),
      default: 'command',
      group: 'Pods',
      description: "the field of kube-apiserver's container that holds its flags",
    },
    'api-server-port': {
      kind: integer(1, 65535),
      list: true,
      default: '443,6443',
      group: 'Pods',
      description:
        'ports of kube-apiserver in its pod; a NetworkPolicy for the seed-server in that pod keeps them open to everybody',
    },
    'pod-sysctls': {
      kind: boolean(),
      default: 'true',
      group: 'Pods',
      description:
        'request IPv6 forwarding as a pod sysctl, which kubelets must allow; off if the nodes enable it',
    },
  })
}

export type RenderOptions = OptionValues<ReturnType<typeof renderOptions>>
