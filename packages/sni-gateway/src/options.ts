import {
  custom,
  defineOptions,
  duration,
  endpoint,
  filePath,
  integer,
  type OptionValues,
  text,
} from '@reversed-vpn/daemon'
import { parseCidr } from '@reversed-vpn/ip'

const network = custom({
  placeholder: 'CIDR',
  expected: 'ADDRESS/LENGTH without host bits, such as 192.0.2.0/24',
  parse: parseCidr,
})

/** Every option of the sni-gateway. The flag is the key. */
export const SNI_GATEWAY_OPTIONS = defineOptions({
  'tls-listen': {
    kind: endpoint(),
    default: '[::]:443',
    group: 'Ports',
    description: 'where TLS comes in, routed by server name',
  },
  'connect-listen': {
    kind: endpoint(),
    default: '[::]:8132',
    group: 'Ports',
    description: 'where HTTP CONNECT comes in, routed by header',
  },
  'proxy-protocol-from': {
    kind: network,
    list: true,
    group: 'Ports',
    description: 'load balancers that begin each connection with a PROXY protocol header; nobody else may',
  },

  routes: {
    kind: filePath(),
    required: true,
    group: 'Routes',
    description: 'where to, YAML; read again when it changes',
  },
  'routing-header': {
    kind: text(/[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}/, 'the name of a header field', 'NAME'),
    list: true,
    default: 'Reversed-VPN,X-Gardener-Destination',
    group: 'Routes',
    description: 'header field of a CONNECT that says where to',
  },

  'max-connections': {
    kind: integer(1, 1_000_000),
    default: '8000',
    group: 'Limits',
    description: 'clients at a time; each takes two descriptors',
  },
  'max-connections-per-source': {
    kind: integer(1, 1_000_000),
    default: '1000',
    group: 'Limits',
    description: 'of one IPv4 address or one /64 of IPv6',
  },
  'max-hello-bytes': {
    kind: integer(512, 65_536),
    default: '16384',
    group: 'Limits',
    description: 'length of a ClientHello',
  },
  'max-header-bytes': {
    kind: integer(512, 65_536),
    default: '8192',
    group: 'Limits',
    description: 'length of the header of a CONNECT',
  },
  'first-bytes-timeout': {
    kind: duration({ min: '100ms' }),
    default: '10s',
    group: 'Limits',
    description: 'until a client has said where it wants to go',
  },
  'dial-timeout': {
    kind: duration({ min: '100ms' }),
    default: '10s',
    group: 'Limits',
    description: 'until its backend has answered',
  },
  'idle-timeout': {
    kind: duration({ min: '1s' }),
    default: '1h',
    group: 'Limits',
    description: 'without a byte either way, after which a connection is cut',
  },
  'drain-timeout': {
    kind: duration(),
    default: '30s',
    group: 'Limits',
    description: 'how long connections may go on once the process is asked to end',
  },

  'admin-listen': {
    kind: endpoint(),
    default: '[::]:15002',
    group: 'Process',
    description: '/metrics /healthz /readyz /status',
  },
})

export type SniGatewayOptions = OptionValues<typeof SNI_GATEWAY_OPTIONS>
