/** What is fuzzed: something that reads bytes of strangers, and what has to hold whatever they are. */
export interface FuzzTarget {
  /** Good and nearly good inputs by name, made with the encoders of the protocol: the committed corpus. */
  readonly seeds: () => Readonly<Record<string, Uint8Array>>
  /** Throws when something does not hold for this input. */
  readonly fuzz: (input: Buffer) => void | Promise<void>
}

/** The targets, with the modules whose lines guide the search: paths below `packages/`. */
const COVERED_MODULES = {
  'client-hello': /\/sni-gateway\/dist\/tls\//,
  'control-message': /\/protocol\/dist\/control-/,
  'egress-connect': /\/egress-proxy\/dist\/(connect-request|request-parser)/,
  'frame-decoder': /\/protocol\/dist\/frame-/,
  'gateway-connect': /\/sni-gateway\/dist\/(connect|routes)\//,
  'packet-checker': /\/(protocol\/dist\/packet\/|ip\/dist\/cidr)/,
  'packet-finisher': /\/protocol\/dist\/packet\//,
  'proxy-protocol': /\/daemon\/dist\/proxy-protocol\//,
  'stream-frame': /\/protocol\/dist\/stream\//,
  'udp-coalescer': /\/protocol\/dist\/packet\/udp-coalescer/,
} as const satisfies Record<string, RegExp>

export type FuzzTargetName = keyof typeof COVERED_MODULES
export const FUZZ_TARGET_NAMES = Object.keys(COVERED_MODULES) as FuzzTargetName[]

export function isFuzzTargetName(name: string | undefined): name is FuzzTargetName {
  return (FUZZ_TARGET_NAMES as (string | undefined)[]).includes(name)
}

export function modulesCoveredBy(name: FuzzTargetName): RegExp {
  return COVERED_MODULES[name]
}

/** Loaded by name and not at once, so that a fuzzer can see to it first that it is told which lines run. */
export async function loadFuzzTarget(name: FuzzTargetName): Promise<FuzzTarget> {
  const { target }: { readonly target: FuzzTarget } = await import(`./targets/${name}.js`)
  return target
}
