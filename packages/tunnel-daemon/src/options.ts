import {
  boolean,
  defineOptions,
  duration,
  endpoint,
  filePath,
  integer,
  type OptionTable,
  type OptionValues,
  oneOf,
  text,
} from '@reversed-vpn/daemon'
import { NETWORK_SETUPS } from '@reversed-vpn/host-network'
import { DEFAULT_TRANSFER_NETWORKS } from '@reversed-vpn/ip'
import { CARRY_MODES } from './carried-kinds.js'
import { interfaceName, network, transferNetwork } from './option-kinds.js'

/** The largest user or group id; the one above means "none". */
const MAX_ID = 2 ** 32 - 2

/** Options that mean the same in both daemons. A daemon spreads them into its table and replaces what differs. */
export const TUNNEL_OPTIONS = defineOptions({
  'tls-cert': {
    kind: filePath(),
    required: true,
    group: 'Certificates',
    description:
      'certificate of this daemon with its intermediates, PEM; reloaded when it changes, as all files here',
  },
  'tls-key': {
    kind: filePath(),
    required: true,
    group: 'Certificates',
    description: 'private key of that certificate, PEM',
  },
  'tls-ca': {
    kind: filePath(),
    required: true,
    group: 'Certificates',
    description: "CA certificates that may issue the peer's certificate, PEM",
  },
  'tls-crl': {
    kind: filePath(),
    group: 'Certificates',
    description: 'certificate revocation lists, PEM: one for each CA in --tls-ca',
  },

  congestion: {
    kind: text(/^[a-z0-9_]{1,15}$/, 'a congestion control of this kernel, such as bbr', 'NAME'),
    group: 'Lanes',
    description:
      'TCP congestion control of the lanes (default: bbr, or the kernel default if bbr is not available)',
  },
  'max-segment': {
    kind: integer(536, 32_767),
    group: 'Lanes',
    description:
      'largest TCP segment of the lanes in bytes, where the path drops larger packets without a word: its MTU less 40 ' +
      '(IPv6: less 60); one side is enough on each connection (default: by the MTU of the interface)',
  },
  keepalive: {
    kind: duration({ min: '100ms' }),
    default: '5s',
    group: 'Lanes',
    description: 'interval between two PINGs',
  },
  'dead-after': {
    kind: duration({ min: '200ms' }),
    default: '15s',
    group: 'Lanes',
    description: 'time without a byte from the peer after which a lane is cut',
  },
  'reconnect-min': {
    kind: duration({ min: '1ms' }),
    default: '100ms',
    group: 'Lanes',
    description: 'upper bound of the random wait after the first failed dial; doubles with each further one',
  },
  'reconnect-max': {
    kind: duration({ min: '1ms' }),
    default: '10s',
    group: 'Lanes',
    description: 'largest upper bound of that wait',
  },
  'drain-timeout': {
    kind: duration(),
    default: '30s',
    group: 'Lanes',
    description: 'time that open connections have to end after another shoot-client took over',
  },

  carry: {
    kind: oneOf(CARRY_MODES),
    default: 'tun',
    group: 'Networks',
    description:
      'what goes through the tunnel: tun = IP packets; streams = connections of the egress proxy, without TUN, routes, ' +
      'firewall and privileges; both = those as streams where the peer takes them',
  },
  tun: { kind: interfaceName, default: 'vpn0', group: 'Networks', description: 'name of the TUN interface' },
  offload: {
    kind: oneOf(['auto', 'off']),
    default: 'auto',
    group: 'Networks',
    description: 'auto: pass GSO packets unsegmented if both kernels support it; off: never',
  },
  'network-setup': {
    kind: oneOf(NETWORK_SETUPS),
    default: 'auto',
    group: 'Networks',
    description:
      'who creates TUN, routes and firewall: own = this process, prepared = an earlier `setup`, ' +
      'auto = prepared if found, else own',
  },
})

/** What both `setup` commands take. */
export const SETUP_OPTIONS = defineOptions({
  uid: {
    kind: integer(0, MAX_ID),
    group: 'Setup',
    description: 'user that the daemon will run as; required unless --undo is given',
  },
  gid: { kind: integer(0, MAX_ID), group: 'Setup', description: 'group that it will run as (default: any)' },
  undo: {
    kind: boolean(),
    default: 'false',
    group: 'Setup',
    description: 'remove what an earlier setup created for --tun',
  },
  'vpn-network': {
    kind: transferNetwork,
    list: true,
    default: DEFAULT_TRANSFER_NETWORKS,
    group: 'Networks',
    description:
      'transfer networks between the two ends of the tunnel, at most one per IP family; the same on both sides',
  },
  mtu: {
    kind: integer(1280, 9000),
    default: '1500',
    group: 'Networks',
    description: 'MTU of the TUN interface in bytes; the same on both sides',
  },
  tun: TUNNEL_OPTIONS.tun,
})

/** `--pod-network` and its siblings. @param describe what it means for one kind */
export function networkOptions(describe: (kind: 'pods' | 'services' | 'nodes') => string) {
  const row = { kind: network, list: true, group: 'Networks' } as const
  return defineOptions({
    'pod-network': { ...row, description: describe('pods') },
    'service-network': { ...row, description: describe('services') },
    'node-network': { ...row, description: describe('nodes') },
  })
}

/** `--admin-listen`. @param address where it listens by default */
export function adminOption<const Address extends string>(address: Address) {
  return defineOptions({
    'admin-listen': {
      kind: endpoint(),
      default: address,
      group: 'Process',
      description: 'address of /metrics, /healthz, /readyz and /status',
    },
  })
}

/** Options of the daemon that `setup` accepts and ignores, so that one list of arguments serves both. */
export function ignoredBySetup(daemonOptions: OptionTable, setupOptions: OptionTable): OptionTable {
  return Object.fromEntries(Object.entries(daemonOptions).filter(([flag]) => !(flag in setupOptions)))
}

export type TunnelOptions = OptionValues<typeof TUNNEL_OPTIONS> &
  OptionValues<ReturnType<typeof adminOption<string>>>

export type SetupOptions = OptionValues<typeof SETUP_OPTIONS>

export type NetworkOptions = OptionValues<ReturnType<typeof networkOptions>>
