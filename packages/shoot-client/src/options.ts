import {
  custom,
  defineOptions,
  duration,
  endpoint,
  filePath,
  hostName,
  httpHeader,
  integer,
  type OptionValues,
  oneOf,
  text,
  url,
} from '@reversed-vpn/daemon'
import { INTERFACE_SYNTAX, NETWORK_SYNTAX } from '@reversed-vpn/session'

const network = custom(NETWORK_SYNTAX)
const interfaceName = custom(INTERFACE_SYNTAX)

/** Every option of the shoot-client. The flag is the key. */
export const SHOOT_CLIENT_OPTIONS = defineOptions({
  server: {
    kind: endpoint({ minPort: 1 }),
    required: true,
    group: 'Way to the seed',
    description: 'the seed-server: dialled, or named in CONNECT',
  },
  gateway: {
    kind: url(['http', 'https']),
    group: 'Way to the seed',
    description: 'endpoint that takes HTTP CONNECT; none: the server is dialled directly',
  },
  header: {
    kind: httpHeader(),
    list: true,
    group: 'Way to the seed',
    description: 'sent with CONNECT; gateways route by it',
  },
  sni: {
    kind: hostName(),
    group: 'Way to the seed',
    description: 'TLS server name sent (default: the server name)',
  },
  'server-name': {
    kind: hostName(),
    default: 'vpn-seed-server',
    group: 'Way to the seed',
    description: "name in the seed-server's certificate",
  },
  'tls-cert': {
    kind: filePath(),
    required: true,
    group: 'Way to the seed',
    description: 'certificate shown to the seed-server, PEM',
  },
  'tls-key': {
    kind: filePath(),
    required: true,
    group: 'Way to the seed',
    description: 'its private key, PEM',
  },
  'tls-ca': {
    kind: filePath(),
    required: true,
    group: 'Way to the seed',
    description: 'authorities of the seed-server, PEM',
  },
  'tls-crl': {
    kind: filePath(),
    group: 'Way to the seed',
    description: 'revocation lists of those authorities, PEM',
  },
  congestion: {
    kind: text(/^[a-z0-9_]{1,15}$/, 'a congestion control of this kernel, such as bbr', 'NAME'),
    group: 'Way to the seed',
    description: "TCP congestion control of the lanes (default: the kernel's)",
  },

  lanes: {
    kind: integer(1, 256),
    default: '1',
    group: 'Tunnel',
    description: 'connections that are bundled',
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
  'reconnect-min': {
    kind: duration({ min: '1ms' }),
    default: '100ms',
    group: 'Tunnel',
    description: 'bound of the first wait before dialling again',
  },
  'reconnect-max': {
    kind: duration({ min: '1ms' }),
    default: '10s',
    group: 'Tunnel',
    description: 'bound of every wait before dialling again',
  },
  'drain-timeout': {
    kind: duration(),
    default: '30s',
    group: 'Tunnel',
    description: 'how long connections may finish after SIGTERM when another client took over',
  },

  'pod-network': {
    kind: network,
    list: true,
    group: 'Networks',
    description: 'pods let in (default: what the server announces)',
  },
  'service-network': {
    kind: network,
    list: true,
    group: 'Networks',
    description: 'services let in (default: likewise)',
  },
  'node-network': {
    kind: network,
    list: true,
    group: 'Networks',
    description: 'nodes let in (default: likewise)',
  },
  tun: { kind: interfaceName, default: 'vpn0', group: 'Networks', description: 'name of the TUN interface' },
  'egress-interface': {
    kind: interfaceName,
    default: 'auto',
    group: 'Networks',
    description: 'interface that packets leave by, masqueraded; auto: every one',
  },
  offload: {
    kind: oneOf(['auto', 'off']),
    default: 'auto',
    group: 'Networks',
    description: 'whether packets may travel unsegmented',
  },

  'admin-listen': {
    kind: endpoint(),
    default: '[::]:15001',
    group: 'Process',
    description: '/metrics /healthz /readyz /status',
  },
})

export type ShootClientOptions = OptionValues<typeof SHOOT_CLIENT_OPTIONS>
