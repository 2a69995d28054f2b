import { importsOf } from './modules.js'
import { PACKAGE_MAP } from './package-map.js'
import { type SourceFile, sourceFiles } from './source-tree.js'

/** What a package's sources must not import: `from` and `to` match a package's folder and an import's text. */
interface ImportRule {
  readonly from: RegExp
  readonly to: RegExp
  readonly reason: string
}

const OURS = '@reversed-vpn/'

export const IMPORT_RULES: readonly ImportRule[] = [
  ...Object.entries(PACKAGE_MAP).map(([from, { to, reason }]) => ({
    from: new RegExp(`^${from}$`),
    to: only(Object.keys(to)),
    reason,
  })),
  {
    from: new RegExp(`^(?!(${Object.keys(PACKAGE_MAP).join('|')})$)`),
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
    to: /^@reversed-vpn\/[^/]+\/(?!socket$|room$|testing$)|(^|\/)packages\/|\/(src|dist)\//,
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
function only(names: readonly string[]): RegExp {
  return new RegExp(`^${OURS}(?!(${names.join('|')})(/|$))`)
}
