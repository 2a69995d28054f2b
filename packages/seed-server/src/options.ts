import {
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
import { MAX_RECORDS_OF_A_KEY, ROTATE_AFTER_RECORDS } from '@reversed-vpn/session'
import {
  adminOption,
  network,
  networkOptions,
  routedSource,
  SETUP_OPTIONS,
  TUNNEL_OPTIONS,
} from '@reversed-vpn/tunnel-daemon'

const NETWORK_OPTIONS = {
  ...networkOptions((kind) => `network of the shoot's ${kind}; reloaded when the --config file changes`),
  ...defineOptions({
    'routed-from': {
      kind: routedSource,
      list: true,
      group: 'Networks',
      description:
        'source, or interface by which it comes, of packets that this machine may forward into the tunnel; reloaded likewise',
    },
  }),
}

/** Every option of the seed-server. The flag is the key. */
export const SEED_SERVER_OPTIONS = defineOptions({
  listen: {
    kind: endpoint(),
    group: 'Tunnel',
    description: 'tunnel port: shoot-clients connect here (default: [::]:1194)',
  },
  dial: {
    kind: endpoint({ minPort: 1 }),
    group: 'Tunnel',
    description: 'instead of --listen: dial the shoot-client, which listens here',
  },
  'websocket-listen': {
    kind: endpoint(),
    group: 'Tunnel',
    description: 'also accept the tunnel over WebSocket here (default: off)',
  },
  'trusted-proxy': {
    kind: network,
    list: true,
    group: 'Tunnel',
    description:
      'proxies in front of the tunnel port; each connection from them must start with a PROXY protocol header',
  },
  'peer-name': {
    kind: hostName(),
    default: 'vpn-shoot-client',
    group: 'Tunnel',
    description: "name that the shoot-client's certificate must carry",
  },

  ...TUNNEL_OPTIONS,
  'tls-ca': {
    ...TUNNEL_OPTIONS['tls-ca'],
    description: "CA certificates that may issue the shoot-client's certificate, PEM; use one CA per shoot",
  },
  'rotate-after': {
    kind: duration({ min: '100ms' }),
    default: '12h',
    group: 'Lanes',
    description: 'age at which a lane is replaced; the new lane is up before the old one closes',
  },
  'rotate-after-records': {
    kind: integer(1000, MAX_RECORDS_OF_A_KEY),
    default: String(ROTATE_AFTER_RECORDS),
    group: 'Lanes',
    description: 'TLS records in one direction after which a lane is replaced',
  },
  'lanes-max': {
    kind: integer(1, 256),
    default: '16',
    group: 'Lanes',
    description: 'largest number of lanes of one shoot-client',
  },

  ...NETWORK_OPTIONS,
  'vpn-network': SETUP_OPTIONS['vpn-network'],
  mtu: SETUP_OPTIONS.mtu,

  'egress-listen': {
    kind: endpointOrUnix(),
    list: true,
    default: '[::]:9443',
    group: 'Egress proxy',
    description: 'where kube-apiserver sends its CONNECT requests',
  },
  'egress-tls-cert': {
    kind: filePath(),
    group: 'Egress proxy',
    description: 'certificate of the egress proxy, PEM; reloaded when it changes, as the files below',
  },
  'egress-tls-key': {
    kind: filePath(),
    group: 'Egress proxy',
    description: 'private key of that certificate, PEM',
  },
  'egress-tls-ca': {
    kind: filePath(),
    group: 'Egress proxy',
    description: "CA certificates that may issue a caller's certificate, PEM",
  },
  'egress-tls-crl': {
    kind: filePath(),
    group: 'Egress proxy',
    description: 'certificate revocation lists, PEM: one for each CA in --egress-tls-ca',
  },
  'egress-peer-name': {
    kind: hostName(),
    default: 'kube-apiserver-http-proxy-client',
    group: 'Egress proxy',
    description: "name that a caller's certificate must carry",
  },
  resolve: {
    kind: oneOf(['seed', 'shoot']),
    default: 'seed',
    group: 'Egress proxy',
    description:
      'where names are looked up; shoot needs streams (--carry), and kubelets may be known by name only',
  },
  'egress-hold': {
    kind: duration(),
    default: '20s',
    group: 'Egress proxy',
    description: 'how long a CONNECT waits for the tunnel to come up; its answer comes at most 5 s later',
  },
  'egress-hold-max': {
    kind: integer(0, 100_000),
    default: '1000',
    group: 'Egress proxy',
    description: 'largest number of CONNECTs that wait at a time',
  },
  'egress-connections-max': {
    kind: integer(1, 100_000),
    group: 'Egress proxy',
    description: 'largest number of connections; without it, what memory and descriptors allow, at most 5000',
  },
  'egress-memory-max': {
    kind: integer(2 ** 20, 2 ** 40),
    group: 'Egress proxy',
    description:
      'bytes of memory that all connections may take; without it, what the cgroup leaves beside the tunnel',
  },

  'probe-interval': {
    kind: duration(),
    default: '10s',
    group: 'Probe',
    description: 'pause between two probes of the way through both kernels and the tunnel; 0s: none',
  },
  'probe-target': {
    kind: endpoint({ minPort: 1 }),
    list: true,
    group: 'Probe',
    description:
      "address and port in the shoot's networks that is probed too, beyond the shoot-client's own kernel",
  },

  ...adminOption('127.0.0.1:15000'),
})

/** Every option of `setup`. */
export const SEED_SETUP_OPTIONS = defineOptions({ ...SETUP_OPTIONS, ...NETWORK_OPTIONS })

export type SeedServerOptions = OptionValues<typeof SEED_SERVER_OPTIONS>
