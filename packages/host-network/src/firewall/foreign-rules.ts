/** Where a packet of the tunnel may be dropped by others. */
export const FOREIGN_HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'] as const
export type ForeignHook = (typeof FOREIGN_HOOKS)[number]

type End = 'iif' | 'oif'

/** By which end packets of the tunnel show the TUN there. */
const ENDS: Readonly<Record<ForeignHook, readonly End[]>> = {
  prerouting: ['iif'],
  input: ['iif'],
  forward: ['iif', 'oif'],
  output: ['oif'],
  postrouting: ['oif'],
}

/** A rule that decides for every packet, or for every one of some interfaces. Others are not looked at. */
export interface DecidingRule {
  readonly verdict: 'drop' | 'accept' | 'policy'
  /** Names of interfaces, `*` at the end for any that begin so. Absent: any. */
  readonly iif?: readonly string[]
  readonly oif?: readonly string[]
}

/** A statement or a match of `nft --json` (libnftables-json(5)): one key that says which. */
export type NftExpression = Readonly<Record<string, unknown>>

interface NftMatch {
  readonly op: string
  readonly left: { readonly meta?: { readonly key: string } }
  readonly right: unknown
}

const VERDICTS: Readonly<Record<string, DecidingRule['verdict']>> = {
  drop: 'drop',
  reject: 'drop',
  accept: 'accept',
  queue: 'accept',
  return: 'policy',
  goto: 'policy',
}
/** They let a packet go on to the next one. */
const PASSING = ['counter', 'log', 'mangle', 'notrack']

/** Whether a chain drops all that comes from the TUN, or all that goes to it, as far as such rules tell. */
export function dropsTunnel(
  rules: readonly DecidingRule[],
  { hook, policy, tun }: { readonly hook: ForeignHook; readonly policy: string; readonly tun: string },
): boolean {
  return ENDS[hook].some((end) => {
    const isFor = (names: readonly string[] | undefined, shown: End) =>
      names === undefined || (shown === end && names.some((name) => isNamed(tun, name)))
    const decides = rules.find(({ iif, oif }) => isFor(iif, 'iif') && isFor(oif, 'oif'))
    return decides === undefined || decides.verdict === 'policy'
      ? policy === 'drop'
      : decides.verdict === 'drop'
  })
}

/** `undefined` where it depends on more of the packet than interfaces and family. */
export function readNftRule(expressions: readonly NftExpression[]): DecidingRule | undefined {
  let ends: Pick<DecidingRule, End> = {}
  for (const [kind, value] of expressions.flatMap((expression) => Object.entries(expression))) {
    const verdict = kind === 'xt' ? readXtTarget(value) : VERDICTS[kind]
    if (verdict !== undefined) return { verdict, ...ends }
    const matched = kind === 'match' ? readMatch(value as NftMatch) : undefined
    if (matched !== undefined) ends = { ...ends, ...matched }
    else if (!PASSING.includes(kind) && !isXtComment(kind, value)) return undefined
  }
  return undefined
}

/** A line of `iptables -S`, with its chain. */
export function readIptablesRule(line: string): { readonly chain: string; rule: DecidingRule } | undefined {
  const written =
    /^-A (\S+)(?: -i (\S+))?(?: -o (\S+))?(?: -m comment --comment (?:"[^"]*"|\S+))? -j (DROP|REJECT|ACCEPT)\b/.exec(
      line,
    )
  if (written === null) return undefined
  const [, chain = '', iif, oif, target] = written
  const names = (end: End, name: string | undefined) =>
    name === undefined ? {} : { [end]: [name.replace(/\+$/, '*')] }
  const verdict = target === 'ACCEPT' ? 'accept' : 'drop'
  return { chain, rule: { verdict, ...names('iif', iif), ...names('oif', oif) } }
}

/** Targets that nft does not translate; other ones may let go on. */
function readXtTarget(value: unknown): DecidingRule['verdict'] | undefined {
  const { type, name } = value as { type?: string; name?: string }
  return type === 'target' && name === 'REJECT' ? 'drop' : undefined
}

function isXtComment(kind: string, value: unknown): boolean {
  return kind === 'xt' && (value as { name?: string }).name === 'comment'
}

/** `{}` where every packet of a family is meant. */
function readMatch({ op, left, right }: NftMatch): Pick<DecidingRule, End> | undefined {
  const key = left.meta?.key
  if (op !== '==' || key === undefined) return undefined
  if (key === 'nfproto' || key === 'protocol') return {}
  const set = (right as { set?: unknown } | null)?.set ?? right
  const names = [set].flat().filter((name) => typeof name === 'string')
  if (key === 'iifname' || key === 'iif') return { iif: names }
  return key === 'oifname' || key === 'oif' ? { oif: names } : undefined
}

function isNamed(tun: string, name: string): boolean {
  return name.endsWith('*') ? tun.startsWith(name.slice(0, -1)) : name === tun
}
