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
import { parseCidr } from '../input/cidr.js'

const TRANSPORTS = ['connect', 'sni'] as const
export type Transport = (typeof TRANSPORTS)[number]

const image = text(/[a-z0-9][^\s]{0,300}/, 'an image such as example.org/seed-server:1.0.0', 'IMAGE')

const transferNetwork = custom({
  placeholder: 'CIDR',
  expected: 'a network with room for two hosts',
  parse: (value) => {
    const { text, first, last } = parseCidr(value)
    return last - first >= 3n ? text : undefined
  },
})

/** Every option of `render`. @param version of this program, which the images have too unless others are named */
export function renderOptions(version: string) {
  return defineOptions({
    gardenlet: {
      kind: filePath(),
      required: true,
      group: 'Input',
      description: "the gardenlet's configuration, YAML: its feature gates, and where the ingress gateway is",
    },
    shoot: { kind: filePath(), required: true, group: 'Input', description: 'the Shoot, YAML' },
    'diff-from': {
      kind: filePath(),
      group: 'Input',
      placeholder: 'PATH',
      description:
        'say what changes from there: a rendered folder or stream, another Shoot, or another gardenlet configuration',
    },
    output: {
      kind: filePath(),
      group: 'Output',
      placeholder: 'DIR',
      description: 'folder to write to, seed/ and shoot/ in it (default: one stream to stdout)',
    },

    istio: { kind: boolean(), group: 'Endpoint', description: 'the shared endpoint is Istio, the default' },
    gateway: { kind: boolean(), group: 'Endpoint', description: 'the shared endpoint is our sni-gateway' },
    transport: {
      kind: oneOf(TRANSPORTS),
      default: 'connect',
      group: 'Endpoint',
      description: 'how the shoot gets through it: HTTP CONNECT on 8132, or TLS by server name on 443',
    },
    'api-server-host': {
      kind: hostName(),
      group: 'Endpoint',
      description:
        "name of the shoot's API server, which the shoot dials (default: api. and spec.dns.domain)",
    },
    'shoot-host': {
      kind: hostName(),
      group: 'Endpoint',
      description:
        "where the seed dials: name of the shoot's load balancer (default: vpn-shoot. and spec.dns.domain)",
    },

    'vpn-network': {
      kind: transferNetwork,
      list: true,
      default: '192.168.123.0/24,fd8f:6d53:b97a:1::/112',
      group: 'Pods',
      description: 'transfer networks, one of a family',
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
      description: "where kube-apiserver's container has its flags",
    },
    'pod-sysctls': {
      kind: boolean(),
      default: 'true',
      group: 'Pods',
      description: 'have pods ask for IPv6 forwarding, which kubelets must allow; off where nodes see to it',
    },
  })
}

export type RenderOptions = OptionValues<ReturnType<typeof renderOptions>>
