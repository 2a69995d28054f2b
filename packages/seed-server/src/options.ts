import {
  boolean,
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
  text,
} from '@reversed-vpn/daemon'
import { NETWORK_SETUPS } from '@reversed-vpn/host-network'
import { DEFAULT_TRANSFER_NETWORKS } from '@reversed-vpn/ip'
import { MAX_RECORDS_OF_A_KEY, ROTATE_AFTER_RECORDS } from '@reversed-vpn/session'
import { INTERFACE_SYNTAX, NETWORK_SYNTAX, TRANSFER_NETWORK_SYNTAX } from '@reversed-vpn/tunnel-daemon'

const network = custom(NETWORK_SYNTAX)
const interfaceName = custom(INTERFACE_SYNTAX)

const transferNetwork = custom(TRANSFER_NETWORK_SYNTAX)

/** The largest user or group id; the one above stands for none. */
const MAX_ID = 2 ** 32 - 2

/** Every option of the seed-server. The flag is the key. */
export const SEED_SERVER_OPTIONS = defineOptions({
  listen: {
    kind: endpoint(),
    group: 'Tunnel',
    description: 'where shoot-clients connect (default: [::]:1194)',
  },
  dial: {
    kind: endpoint({ minPort: 1 }),
    group: 'Tunnel',
    description: 'the other direction: the shoot-client listens there, and is dialled',
  },
  'websocket-listen': {
    kind: endpoint(),
    group: 'Tunnel',
    description: 'where WebSockets come in with the same inside (default: nowhere)',
  },
  'trusted-proxy': {
    kind: network,
    list: true,
    group: 'Tunnel',
    description:
      'gateways that begin each connection to the tunnel port with a PROXY protocol header; they must',
  },
  'tls-cert': {
    kind: filePath(),
    required: true,
    group: 'Tunnel',
    description:
      'certificate shown to shoot-clients, PEM; this and the files below are read again when they change',
  },
  'tls-key': { kind: filePath(), required: true, group: 'Tunnel', description: 'its private key, PEM' },
  'tls-ca': {
    kind: filePath(),
    required: true,
    group: 'Tunnel',
    description: 'authorities of the shoot-client, PEM; belongs to one shoot',
  },
  'tls-crl': {
    kind: filePath(),
    group: 'Tunnel',
    description: 'revocation lists, PEM: one of each of those authorities',
  },
  'peer-name': {
    kind: hostName(),
    default: 'vpn-shoot-client',
    group: 'Tunnel',
    description: "name in the shoot-client's certificate",
  },
  congestion: {
    kind: text(/^[a-z0-9_]{1,15}$/, 'a congestion control of this kernel, such as bbr', 'NAME'),
    group: 'Tunnel',
    description:
      "TCP congestion control of the lanes (default: bbr, or the kernel's where that cannot be had)",
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
    description: 'with --dial: bound of the first wait before dialling again',
  },
  'reconnect-max': {
    kind: duration({ min: '1ms' }),
    default: '10s',
    group: 'Tunnel',
    description: 'with --dial: bound of every wait before dialling again',
  },
  'rotate-after': {
    kind: duration({ min: '100ms' }),
    default: '12h',
    group: 'Tunnel',
    description: 'age at which a connection is replaced, make before break',
  },
  'rotate-after-records': {
    kind: integer(1000, MAX_RECORDS_OF_A_KEY),
    default: String(ROTATE_AFTER_RECORDS),
    group: 'Tunnel',
    description: 'TLS records of one direction after which it is replaced',
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

  'pod-network': {
    kind: network,
    list: true,
    group: 'Networks',
    description: 'pods of the shoot; from --config, networks are read again when it changes',
  },
  'service-network': { kind: network, list: true, group: 'Networks', description: 'services of the shoot' },
  'node-network': { kind: network, list: true, group: 'Networks', description: 'nodes of the shoot' },
  'vpn-network': {
    kind: transferNetwork,
    list: true,
    default: DEFAULT_TRANSFER_NETWORKS,
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
  'network-setup': {
    kind: oneOf(NETWORK_SETUPS),
    default: 'auto',
    group: 'Networks',
    description: 'who makes interface, routes and firewall: the daemon, or setup before it; auto: who did',
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
    description: 'certificate shown to callers, PEM; read again, as the two below',
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

const {
  'pod-network': podNetwork,
  'service-network': serviceNetwork,
  'node-network': nodeNetwork,
  'vpn-network': vpnNetwork,
  tun,
  mtu,
  ...others
} = SEED_SERVER_OPTIONS

/** Every option of `setup`. */
export const SETUP_OPTIONS = defineOptions({
  uid: {
    kind: integer(0, MAX_ID),
    group: 'Setup',
    description: 'user that the seed-server will run as; needed unless --undo is given',
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
  'pod-network': podNetwork,
  'service-network': serviceNetwork,
  'node-network': nodeNetwork,
  'vpn-network': vpnNetwork,
  tun,
  mtu,
})

/** Those of the daemon that `setup` takes and does not look at. */
export const IGNORED_BY_SETUP = others

export type SetupOptions = OptionValues<typeof SETUP_OPTIONS>

export type SeedServerOptions = OptionValues<typeof SEED_SERVER_OPTIONS>
