import { importsOf, type SourceFile, sourceFiles } from './source-tree.js'

/** What a package's sources must not import: `from` and `to` match a package's folder and an import's text. */
export interface ImportRule {
  readonly from: RegExp
  readonly to: RegExp
  readonly reason: string
}

const OURS = '@reversed-vpn/'

/** What each package may import of ours, and why. A package that is not named here may import nothing. */
const ALLOWED: Readonly<Record<string, { readonly to: readonly string[]; readonly reason: string }>> = {
  ip: { to: [], reason: 'addresses are at the bottom: everything else may use them' },
  'node-tun': {
    to: [],
    reason: 'the device knows nothing of the tunnel, so it can be used and tested alone',
  },
  daemon: {
    to: ['ip'],
    reason: 'what any daemon needs knows nothing of tunnels; but addresses are read in one place',
  },
  protocol: { to: ['ip'], reason: 'the wire needs addresses and nothing else' },
  secure: { to: ['protocol'], reason: 'it refuses a peer in words of the wire, and knows no session' },
  relay: {
    to: ['ip', 'node-tun'],
    reason: 'it judges connections by address and socket, whatever they carry',
  },
  session: {
    to: ['ip', 'node-tun', 'protocol', 'relay', 'secure'],
    reason: 'it joins the wire, the device and TLS; what only daemons need stays above it',
  },
  'host-network': {
    to: ['ip', 'node-tun', 'protocol'],
    reason: "it changes the host's network and knows no connection",
  },
  'egress-proxy': {
    to: ['daemon', 'ip', 'node-tun', 'relay', 'secure'],
    reason: 'it is told whether the tunnel is up; how that comes about is not its business',
  },
  'tunnel-daemon': {
    to: ['daemon', 'host-network', 'ip', 'node-tun', 'protocol', 'secure', 'session'],
    reason: 'the floor that both daemons stand on: it knows everything but the two of them',
  },
  'seed-server': {
    to: [
      'daemon',
      'egress-proxy',
      'host-network',
      'ip',
      'node-tun',
      'protocol',
      'secure',
      'session',
      'tunnel-daemon',
    ],
    reason: 'the two sides meet on the wire only',
  },
  'shoot-client': {
    to: ['daemon', 'host-network', 'ip', 'node-tun', 'protocol', 'secure', 'session', 'tunnel-daemon'],
    reason: 'the two sides meet on the wire only',
  },
  'sni-gateway': {
    to: ['daemon', 'ip', 'relay'],
    reason: 'it knows nothing of tunnels, so it can be replaced by what production has in its place',
  },
  kubernetes: { to: ['daemon', 'ip'], reason: 'it writes manifests, and runs nothing of what they start' },
}

export const IMPORT_RULES: readonly ImportRule[] = [
  ...Object.entries(ALLOWED).map(([from, { to, reason }]) => ({
    from: new RegExp(`^${from}$`),
    to: only(...to),
    reason,
  })),
  {
    from: new RegExp(`^(?!(${Object.keys(ALLOWED).join('|')})$)`),
    to: /^@reversed-vpn\//,
    reason: 'a package has to be named in the map before it imports another',
  },
  {
    from: /^(protocol|ip)$/,
    to: /^node:(?!buffer$|util$)|^(net|tls|fs|http|timers|process)$/,
    reason: 'bytes in, values out: no sockets, timers, files or process',
  },
  {
    from: /^(?!daemon$)/,
    to: /^commander$/,
    reason: 'command lines are read in one place, or flag, environment and file drift apart',
  },
  {
    from: /./,
    to: /^@reversed-vpn\/[^/]+\/testing$/,
    reason: 'what is only for tests is not part of a program',
  },
  {
    from: /./,
    to: /^@reversed-vpn\/[^/]+\/(?!socket$|testing$)|(^|\/)packages\/|\/(src|dist)\//,
    reason: 'a package is imported by its name; its files are its own',
  },
]

/** Every import that breaks a rule, with the reason. */
export function forbiddenImports(root: string, rules: readonly ImportRule[] = IMPORT_RULES): string[] {
  return sourceFiles(root)
    .flatMap(importsOf)
    .flatMap(({ file, specifier }) =>
      rules
        .filter((rule) => rule.from.test(file.packageName) && rule.to.test(specifier))
        .map((rule) => `${file.path} imports ${specifier}: ${rule.reason}`),
    )
}

const PROCESS_WIDE = [
  { pattern: /\bprocess\.env\b/, what: 'reads process.env', reason: 'options come in as arguments' },
  {
    pattern: /\bprocess\.exit(Code)?\b/,
    what: 'ends the process',
    reason: 'only main.ts knows what else is running',
  },
  {
    pattern: /\bprocess\.(on|once|addListener)\(/,
    what: 'listens to the process',
    reason: 'a library that takes signals or exits takes them from its host',
  },
]

/** What only `main.ts` and the daemon package may do, done elsewhere. */
export function processWideUses(root: string): string[] {
  return sourceFiles(root)
    .filter((file) => file.packageName !== 'daemon' && !file.path.endsWith('/src/main.ts'))
    .flatMap((file) =>
      PROCESS_WIDE.filter(({ pattern }) => pattern.test(file.code)).map((use) => described(file, use)),
    )
}

function described(file: SourceFile, use: { readonly what: string; readonly reason: string }): string {
  return `${file.path} ${use.what}: ${use.reason}`
}

/** Any package of ours but those. */
function only(...names: readonly string[]): RegExp {
  return new RegExp(`^${OURS}(?!(${names.join('|')})(/|$))`)
}
