import {
  boolean,
  custom,
  defineOptions,
  filePath,
  hostName,
  type OptionValues,
  oneOf,
  text,
} from '@reversed-vpn/daemon'
import { DEFAULT_TRANSFER_NETWORKS, transferAddressOf } from '@reversed-vpn/ip'

const image = text(/[a-z0-9][^\s]{0,300}/, 'an image such as example.org/seed-server:1.0.0', 'IMAGE')

const transferNetwork = custom({
  placeholder: 'CIDR',
  expected: 'a network with room for two hosts',
  parse: (value) => transferAddressOf(value, 'seed').network,
})

/** Every option of `render`. @param version of this program, and the default tag of the images */
export function renderOptions(version: string) {
  return defineOptions({
    gardenlet: {
      kind: filePath(),
      required: true,
      group: 'Input',
      description: "the gardenlet's configuration (YAML): feature gates and ingress gateway",
    },
    shoot: { kind: filePath(), required: true, group: 'Input', description: 'the Shoot (YAML)' },
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
      description: 'use our sni-gateway as the shared endpoint',
    },
    transport: {
      kind: oneOf(['connect', 'sni']),
      default: 'connect',
      group: 'Endpoint',
      description:
        'how the shoot passes the endpoint: connect = HTTP CONNECT on 8132, sni = TLS by server name on 443',
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
      default: `reversed-vpn/seed-server:${version}`,
      group: 'Pods',
      description: 'image of the seed-server',
    },
    'image-shoot-client': {
      kind: image,
      default: `reversed-vpn/shoot-client:${version}`,
      group: 'Pods',
      description: 'image of the shoot-client',
    },
    'image-sni-gateway': {
      kind: image,
      default: `reversed-vpn/sni-gateway:${version}`,
      group: 'Pods',
      description: 'image of the sni-gateway',
    },
    'api-server-flags-in': {
      kind: oneOf(['command', 'args']),
      default: 'command',
      group: 'Pods',
      description: "the field of kube-apiserver's container that holds its flags",
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
