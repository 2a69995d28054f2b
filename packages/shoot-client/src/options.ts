import {
  boolean,
  custom,
  defineOptions,
  duration,
  endpoint,
  filePath,
  hostName,
  httpHeader,
  integer,
  type OptionKind,
  type OptionValues,
  oneOf,
  text,
  url,
} from '@reversed-vpn/daemon'
import { NETWORK_SETUPS } from '@reversed-vpn/host-network'
import { DEFAULT_TRANSFER_NETWORKS } from '@reversed-vpn/ip'
import { INTERFACE_SYNTAX, NETWORK_SYNTAX, TRANSFER_NETWORK_SYNTAX } from '@reversed-vpn/tunnel-daemon'

const network = custom(NETWORK_SYNTAX)
const interfaceName = custom(INTERFACE_SYNTAX)

const httpUrl = url(['http', 'https'])

const proxyUrl: OptionKind<URL | 'none', ''> = {
  ...httpUrl,
  expected: `${httpUrl.expected}, or none`,
  parse: (value) => (value === 'none' ? value : httpUrl.parse(value)),
}

/** The largest user or group id; the one above stands for none. */
const MAX_ID = 2 ** 32 - 2

/** Every option of the shoot-client. The flag is the key. */
export const SHOOT_CLIENT_OPTIONS = defineOptions({
  server: {
    kind: endpoint({ minPort: 1 }),
    group: 'Way to the seed',
    description: 'the seed-server: dialled, or named in CONNECT; needed, and used, without --listen only',
  },
  listen: {
    kind: endpoint(),
    group: 'Way to the seed',
    description: 'the other direction: the seed-server dials, and this is where it connects',
  },
  gateway: {
    kind: url(['http', 'https', 'ws', 'wss']),
    group: 'Way to the seed',
    description:
      'endpoint that takes HTTP CONNECT (http, https) or WebSockets (ws, wss); none: the server is dialled',
  },
  'gateway-ca': {
    kind: filePath(),
    group: 'Way to the seed',
    description:
      'authorities of an https or wss gateway, PEM; read again when it changes (default: public ones)',
  },
  proxy: {
    kind: proxyUrl,
    group: 'Way to the seed',
    description: 'proxy in front of all that, or none (default: HTTPS_PROXY, unless NO_PROXY has the host)',
  },
  header: {
    kind: httpHeader(),
    list: true,
    group: 'Way to the seed',
    description: 'sent with CONNECT or upgrade; gateways route by it',
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
    description:
      'certificate shown to the seed-server, PEM; this and the files below are read again when they change',
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
    description: 'revocation lists, PEM: one of each of those authorities',
  },
  congestion: {
    kind: text(/^[a-z0-9_]{1,15}$/, 'a congestion control of this kernel, such as bbr', 'NAME'),
    group: 'Way to the seed',
    description:
      "TCP congestion control of the lanes (default: bbr, or the kernel's where that cannot be had)",
  },

  lanes: {
    kind: integer(1, 256),
    default: '2',
    group: 'Tunnel',
    description: 'connections that are bundled; of several, one is kept free for flows that send little',
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
    description: 'pods let in (default: what the server announces); from --config, networks are read again',
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
  'network-setup': {
    kind: oneOf(NETWORK_SETUPS),
    default: 'auto',
    group: 'Networks',
    description: 'who makes interface, routes and firewall: the daemon, or setup before it; auto: who did',
  },

  'admin-listen': {
    kind: endpoint(),
    default: '[::]:15001',
    group: 'Process',
    description: '/metrics /healthz /readyz /status',
  },
})

const {
  'pod-network': podNetwork,
  'service-network': serviceNetwork,
  'node-network': nodeNetwork,
  tun,
  'egress-interface': egressInterface,
  'admin-listen': adminListen,
  listen,
  ...others
} = SHOOT_CLIENT_OPTIONS

/** Every option of `setup`. What WELCOME tells the daemon has to be said here. */
export const SETUP_OPTIONS = defineOptions({
  uid: {
    kind: integer(0, MAX_ID),
    group: 'Setup',
    description: 'user that the shoot-client will run as; needed unless --undo is given',
  },
  gid: {
    kind: integer(0, MAX_ID),
    group: 'Setup',
    description: 'group that it will run as (default: any)',
  },
  undo: {
    kind: boolean(),
    default: 'false',
    group: 'Setup',
    description: 'take away what was set up for --tun',
  },
  'pod-network': { ...podNetwork, description: 'pods let in' },
  'service-network': { ...serviceNetwork, description: 'services let in' },
  'node-network': { ...nodeNetwork, description: 'nodes let in' },
  'vpn-network': {
    kind: custom(TRANSFER_NETWORK_SYNTAX),
    list: true,
    default: DEFAULT_TRANSFER_NETWORKS,
    group: 'Networks',
    description: 'transfer networks, as the seed-server has them',
  },
  mtu: {
    kind: integer(1280, 9000),
    default: '1500',
    group: 'Networks',
    description: 'MTU of the TUN interface in bytes, as the seed-server has it',
  },
  tun,
  'egress-interface': egressInterface,
  'admin-listen': { ...adminListen, description: 'port that nothing from the tunnel may reach' },
  listen: {
    ...listen,
    group: 'Process',
    description: 'likewise, where the shoot-client is going to listen for the seed-server',
  },
})

/** Those of the daemon that `setup` takes and does not look at. */
export const IGNORED_BY_SETUP = others

export type SetupOptions = OptionValues<typeof SETUP_OPTIONS>

export type ShootClientOptions = OptionValues<typeof SHOOT_CLIENT_OPTIONS>
