import {
  custom,
  defineOptions,
  duration,
  endpoint,
  endpointOrUnix,
  filePath,
  hostName,
  integer,
  type OptionValues,
  oneOf,
} from '@reversed-vpn/daemon'
import { INTERFACE_SYNTAX, NETWORK_SYNTAX, transferAddressOf } from '@reversed-vpn/session'

const network = custom(NETWORK_SYNTAX)
const interfaceName = custom(INTERFACE_SYNTAX)

const transferNetwork = custom({
  placeholder: 'CIDR',
  expected: 'ADDRESS/LENGTH with room for two hosts, such as 192.168.123.0/24',
  parse: (value) => transferAddressOf(value, 'seed').network,
})

/** Every option of the seed-server. The flag is the key. */
export const SEED_SERVER_OPTIONS = defineOptions({
  listen: {
    kind: endpoint(),
    default: '[::]:1194',
    group: 'Tunnel',
    description: 'where shoot-clients connect',
  },
  'tls-cert': {
    kind: filePath(),
    required: true,
    group: 'Tunnel',
    description: 'certificate shown to shoot-clients, PEM',
  },
  'tls-key': { kind: filePath(), required: true, group: 'Tunnel', description: 'its private key, PEM' },
  'tls-ca': {
    kind: filePath(),
    required: true,
    group: 'Tunnel',
    description: 'authorities of the shoot-client, PEM; belongs to one shoot',
  },
  'tls-crl': { kind: filePath(), group: 'Tunnel', description: 'revocation lists of those authorities, PEM' },
  'peer-name': {
    kind: hostName(),
    default: 'vpn-shoot-client',
    group: 'Tunnel',
    description: "name in the shoot-client's certificate",
  },
  keepalive: {
    kind: duration({ min: '100ms' }),
    default: '5s',
    group: 'Tunnel',
    description: 'between two PINGs',
  },
  'dead-after': {
    kind: duration({ min: '200ms' }),
    default: '15s',
    group: 'Tunnel',
    description: 'silence after which the peer counts as dead',
  },
  'lanes-max': {
    kind: integer(1, 256),
    default: '16',
    group: 'Tunnel',
    description: 'connections a shoot-client may bundle',
  },
  'drain-timeout': {
    kind: duration(),
    default: '30s',
    group: 'Tunnel',
    description: 'how long a superseded session may finish',
  },

  'pod-network': { kind: network, list: true, group: 'Networks', description: 'pods of the shoot' },
  'service-network': { kind: network, list: true, group: 'Networks', description: 'services of the shoot' },
  'node-network': { kind: network, list: true, group: 'Networks', description: 'nodes of the shoot' },
  'vpn-network': {
    kind: transferNetwork,
    list: true,
    default: '192.168.123.0/24,fd8f:6d53:b97a:1::/112',
    group: 'Networks',
    description: 'transfer networks between the two ends, one of a family',
  },
  tun: {
    kind: interfaceName,
    default: 'vpn0',
    group: 'Networks',
    description: 'name of the TUN interface',
  },
  mtu: {
    kind: integer(1280, 9000),
    default: '1500',
    group: 'Networks',
    description: 'MTU of the TUN interface, in bytes',
  },
  offload: {
    kind: oneOf(['auto', 'off']),
    default: 'auto',
    group: 'Networks',
    description: 'whether packets may travel unsegmented',
  },

  'egress-listen': {
    kind: endpointOrUnix(),
    list: true,
    default: '[::]:9443',
    group: 'Egress proxy',
    description: 'where kube-apiserver sends its CONNECTs',
  },
  'egress-tls-cert': {
    kind: filePath(),
    group: 'Egress proxy',
    description: 'certificate shown to callers, PEM',
  },
  'egress-tls-key': { kind: filePath(), group: 'Egress proxy', description: 'its private key, PEM' },
  'egress-tls-ca': {
    kind: filePath(),
    group: 'Egress proxy',
    description: 'authorities of the callers, PEM',
  },
  'egress-peer-name': {
    kind: hostName(),
    default: 'kube-apiserver-http-proxy-client',
    group: 'Egress proxy',
    description: "name in a caller's certificate",
  },
  'egress-hold': {
    kind: duration(),
    default: '20s',
    group: 'Egress proxy',
    description: 'how long a CONNECT waits for a tunnel that is down',
  },
  'egress-hold-max': {
    kind: integer(0, 100_000),
    default: '1000',
    group: 'Egress proxy',
    description: 'CONNECTs that may wait at a time',
  },

  'admin-listen': {
    kind: endpoint(),
    default: '[::]:15000',
    group: 'Process',
    description: '/metrics /healthz /readyz /status',
  },
})

export type SeedServerOptions = OptionValues<typeof SEED_SERVER_OPTIONS>
