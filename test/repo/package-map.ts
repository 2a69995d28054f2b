import { importsOf } from './modules.js'
import { packageNames, sourceFiles } from './source-tree.js'

/** What a package may import of ours. */
interface PackageRule {
  /** Each package that it may import, and what for. */
  readonly to: Readonly<Record<string, string>>
  /** Why it may import no other. */
  readonly reason: string
}

/** Every package, from the bottom up. */
export const PACKAGE_MAP: Readonly<Record<string, PackageRule>> = {
  ip: { to: {}, reason: 'addresses are at the bottom: everything else may use them' },
  'node-tun': {
    to: {},
    reason: 'the device knows nothing of the tunnel, so it can be used and tested alone',
  },
  relay: {
    to: { ip: 'strangers are counted by their network, and a target is inside networks or not' },
    reason: 'it judges connections by address and socket, whatever they carry',
  },
  daemon: {
    to: {
      ip: 'options and the PROXY protocol hold addresses',
      relay:
        'its admin port serves strangers as other ports do, and it waits for a PROXY header until a signal fires',
    },
    reason: 'what any daemon needs knows nothing of tunnels',
  },
  protocol: {
    to: { ip: 'the networks of a WELCOME, and the addresses of packets' },
    reason: 'the wire needs addresses and nothing else',
  },
  streams: {
    to: { protocol: 'streams are frames of the wire' },
    reason: 'lanes are given to it, and so are time and memory: it can be driven step by step',
  },
  secure: {
    to: {
      protocol: 'a peer is refused in words of the wire',
      relay: 'it answers last, waits for a handshake, and finds the socket below TLS as other ports do',
    },
    reason: 'it knows who is at the other end, and no session',
  },
  session: {
    to: {
      ip: 'addresses that a packet may have',
      'node-tun': 'lanes read and write queues of the device, and tune their sockets',
      protocol: 'lanes speak frames and control messages',
      relay: 'its listeners admit strangers as the other ports do, and it waits for connections',
      secure: 'a lane is a TLS connection to a peer that is known',
      streams: 'a lane carries what streams send, beside packets',
    },
    reason: 'it joins the wire, the device and TLS; what only daemons need stays above it',
  },
  'host-network': {
    to: {
      ip: 'routes and rules are made of networks',
      'node-tun': 'it makes the interface',
      protocol: 'it finds out which offloads of the wire this kernel takes',
    },
    reason: "it changes the host's network and knows no connection",
  },
  'egress-proxy': {
    to: {
      daemon: 'it listens, and limits what it logs, as any daemon does',
      ip: 'an address that a caller names has one spelling',
      'node-tun': 'only the kernel knows what a caller on a Unix socket has not read',
      relay: 'it serves strangers, judges and dials their targets, and joins two sockets',
      secure: 'callers show certificates',
    },
    reason: 'it is told whether the tunnel is up; how that comes about is not its business',
  },
  'tunnel-daemon': {
    to: {
      daemon: 'options, metrics, logs and reloads are those of any daemon',
      'host-network': 'each end of the tunnel has an interface',
      ip: 'networks are options',
      'node-tun': 'a lost device ends the daemon',
      protocol: 'reasons of the wire are labels of metrics',
      secure: 'certificates are options, are read again, and expire',
      session: 'its events become logs, metrics and status',
    },
    reason: 'the floor that both daemons stand on: it knows everything but the two of them',
  },
  'seed-server': {
    to: {
      daemon: 'options, metrics, logs and reloads are those of any daemon',
      'egress-proxy': 'callers of the seed come in here',
      'host-network': "it routes the shoot's networks into the tunnel",
      ip: 'the networks of the shoot are its options',
      protocol: 'it answers HELLO',
      secure: 'it lets shoot-clients in by certificate',
      session: 'it accepts lanes',
      streams: 'it opens streams through lanes',
      'tunnel-daemon': 'what the shoot-client does as well',
    },
    reason: 'the two sides meet on the wire only',
  },
  'shoot-client': {
    to: {
      daemon: 'options, metrics, logs and reloads are those of any daemon',
      'host-network': 'it forwards from the tunnel into the shoot',
      ip: 'WELCOME brings networks',
      protocol: 'it sends HELLO',
      relay:
        'it waits for a gateway or proxy to be connected, and judges, dials and joins what a stream is opened to',
      secure: 'it shows a certificate, and checks one',
      session: 'it dials lanes',
      streams: 'it accepts streams from lanes',
      'tunnel-daemon': 'what the seed-server does as well',
    },
    reason: 'the two sides meet on the wire only',
  },
  'sni-gateway': {
    to: {
      daemon: 'options, metrics, logs and reloads are those of any daemon',
      ip: 'who may send a PROXY header is an option',
      relay: 'it serves strangers, and joins two sockets',
    },
    reason: 'it knows nothing of tunnels, so it can be replaced by what production has in its place',
  },
  kubernetes: {
    to: {
      daemon: 'its command line is read as those of the daemons',
      'egress-proxy': 'a pod gets the memory that its streams may take',
      ip: 'networks go into manifests',
      'sni-gateway': 'the pod of the gateway gets the memory that its connections may take',
    },
    reason: 'it writes manifests, and runs nothing of what they start',
  },
}

/** Where the map and the packages differ: what one of them has and the other has not. */
export function mapFaults(root: string, map: typeof PACKAGE_MAP = PACKAGE_MAP): string[] {
  const names = packageNames(root)
  const imports = sourceFiles(root).flatMap(importsOf)
  const isUsed = (from: string, to: string) =>
    imports.some(
      ({ file, specifier }) =>
        file.packageName === from && `${specifier}/`.startsWith(`@reversed-vpn/${to}/`),
    )
  return [
    ...names.filter((name) => !(name in map)).map((name) => `packages/${name} is not in the map`),
    ...Object.keys(map)
      .filter((name) => !names.includes(name))
      .map((name) => `the map names ${name}, and there is no such package`),
    ...Object.entries(map).flatMap(([from, { to }]) =>
      Object.keys(to)
        .filter((name) => !isUsed(from, name))
        .map((name) => `the map lets ${from} import ${name}, which it does not`),
    ),
  ]
}
