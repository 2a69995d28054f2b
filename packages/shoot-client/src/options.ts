import {
  defineOptions,
  endpoint,
  filePath,
  hostName,
  httpHeader,
  integer,
  type OptionKind,
  type OptionValues,
  url,
} from '@reversed-vpn/daemon'
import {
  adminOption,
  interfaceName,
  networkOptions,
  SETUP_OPTIONS,
  TUNNEL_OPTIONS,
} from '@reversed-vpn/tunnel-daemon'
import { parseProxyUrl } from './dial/proxy-from-environment.js'

const httpUrl = url(['http', 'https'])

const proxyUrl: OptionKind<URL | 'none', ''> = {
  ...httpUrl,
  expected: `${httpUrl.expected}, HOST:PORT, or none`,
  parse: (value) => (value === 'none' ? value : parseProxyUrl(value)),
}

/** Every option of the shoot-client. The flag is the key. */
export const SHOOT_CLIENT_OPTIONS = defineOptions({
  server: {
    kind: endpoint({ minPort: 1 }),
    group: 'Tunnel',
    description: 'seed-server, dialled directly or named in CONNECT; required unless --listen is given',
  },
  listen: {
    kind: endpoint(),
    group: 'Tunnel',
    description: 'instead of dialling: accept the seed-server here, which dials',
  },
  gateway: {
    kind: url(['http', 'https', 'ws', 'wss']),
    group: 'Tunnel',
    description:
      'gateway to dial through: HTTP CONNECT (http, https) or WebSocket (ws, wss) (default: dial --server)',
  },
  'gateway-ca': {
    kind: filePath(),
    group: 'Tunnel',
    description:
      "CA certificates that may issue an https or wss gateway's certificate, PEM; reloaded when it changes (default: public CAs)",
  },
  proxy: {
    kind: proxyUrl,
    group: 'Tunnel',
    description:
      'forward proxy for the outgoing connection; none disables it (default: HTTPS_PROXY, unless NO_PROXY names the host)',
  },
  header: {
    kind: httpHeader(),
    list: true,
    group: 'Tunnel',
    description: 'HTTP header sent with CONNECT or the WebSocket upgrade; gateways route by it',
  },
  sni: {
    kind: hostName(),
    group: 'Tunnel',
    description: 'TLS server name to send, for gateways that route by it (default: --server-name)',
  },
  'server-name': {
    kind: hostName(),
    default: 'vpn-seed-server',
    group: 'Tunnel',
    description: "name that the seed-server's certificate must carry",
  },

  ...TUNNEL_OPTIONS,
  lanes: {
    kind: integer(1, 256),
    default: '2',
    group: 'Lanes',
    description: 'number of lanes; with 2 or more, one is kept free for flows that send little',
  },
  keepalive: {
    ...TUNNEL_OPTIONS.keepalive,
    description: "interval between two PINGs; a smaller value of the seed-server's --keepalive wins",
  },
  'dead-after': {
    ...TUNNEL_OPTIONS['dead-after'],
    description:
      'time without a byte from the seed-server after which a lane is cut; a smaller value of its --dead-after wins',
  },

  ...networkOptions(
    (kind) =>
      `${kind} that the tunnel may reach, reloaded with --config (default: what the seed-server announces)`,
  ),
  'vpn-network': {
    ...SETUP_OPTIONS['vpn-network'],
    description: 'transfer networks that the seed-server may announce; what its --vpn-network says',
  },
  'egress-interface': {
    kind: interfaceName,
    default: 'auto',
    group: 'Networks',
    description: 'interface that forwarded packets leave by, masqueraded; auto = any',
  },

  ...adminOption('127.0.0.1:15001'),
})

/** Every option of `setup`. What WELCOME tells the daemon must be given here. */
export const SHOOT_SETUP_OPTIONS = defineOptions({
  ...SETUP_OPTIONS,
  ...networkOptions(
    (kind) =>
      `${kind} that the tunnel may reach; at least one network, as no seed-server has announced any yet`,
  ),
  'egress-interface': SHOOT_CLIENT_OPTIONS['egress-interface'],
  'admin-listen': {
    ...SHOOT_CLIENT_OPTIONS['admin-listen'],
    description: 'admin port of the shoot-client: the firewall closes it to the tunnel',
  },
  listen: {
    ...SHOOT_CLIENT_OPTIONS.listen,
    group: 'Process',
    description: 'tunnel port of a shoot-client that listens: the firewall closes it to the tunnel',
  },
})

export type ShootClientOptions = OptionValues<typeof SHOOT_CLIENT_OPTIONS>

/** Ports of the shoot-client that must not be reached through the tunnel. */
export function ownPortsOf({
  adminListen,
  listen,
}: Pick<ShootClientOptions, 'adminListen' | 'listen'>): number[] {
  return [adminListen, listen].flatMap((own) => own?.port || [])
}
