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
    description: 'accept TLS here and route it by server name',
  },
  'connect-listen': {
    kind: endpoint(),
    default: '[::]:8132',
    group: 'Ports',
    description: 'accept HTTP CONNECT here and route it by header',
  },
  'proxy-protocol-from': {
    kind: network,
    list: true,
    group: 'Ports',
    description: 'load balancers that must send a PROXY protocol header; no one else may',
  },

  routes: {
    kind: filePath(),
    required: true,
    group: 'Routes',
    description: 'YAML file with the routes; reloaded when it changes',
  },
  'routing-header': {
    kind: text(/[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}/, 'the name of a header field', 'NAME'),
    list: true,
    default: 'Reversed-VPN,X-Gardener-Destination',
    group: 'Routes',
    description: 'header field of a CONNECT that names the destination',
  },

  'max-connections': {
    kind: integer(1, 1_000_000),
    group: 'Limits',
    description: 'open connections; without it, what memory and descriptors allow, at most 8000',
  },
  'memory-max': {
    kind: integer(2 ** 20, 2 ** 40),
    group: 'Limits',
    description: 'bytes of memory that all connections may take; without it, what the cgroup leaves',
  },
  'max-connections-per-source': {
    kind: integer(1, 1_000_000),
    default: '1000',
    group: 'Limits',
    description: 'open connections from one IPv4 address or one /64 of IPv6',
  },
  'max-hello-bytes': {
    kind: integer(512, 65_536),
    default: '16384',
    group: 'Limits',
    description: 'maximum length of a ClientHello',
  },
  'max-header-bytes': {
    kind: integer(512, 65_536),
    default: '8192',
    group: 'Limits',
    description: 'maximum length of the header of a CONNECT',
  },
  'first-bytes-timeout': {
    kind: duration({ min: '100ms' }),
    default: '10s',
    group: 'Limits',
    description: 'how long a client may take to send its ClientHello or CONNECT',
  },
  'dial-timeout': {
    kind: duration({ min: '100ms' }),
    default: '10s',
    group: 'Limits',
    description: 'how long connecting to a backend may take',
  },
  'idle-timeout': {
    kind: duration({ min: '1s' }),
    default: '1h',
    group: 'Limits',
    description: 'close a connection after so long without a byte in either direction',
  },
  'drain-timeout': {
    kind: duration(),
    default: '30s',
    group: 'Limits',
    description: 'how long open connections may go on after SIGTERM',
  },

  'admin-listen': {
    kind: endpoint(),
    default: '127.0.0.1:15002',
    group: 'Process',
    description: '/metrics /healthz /readyz /status',
  },
})

export type SniGatewayOptions = OptionValues<typeof SNI_GATEWAY_OPTIONS>
