/** A shoot of `test/input` with the gardenlet it belongs to, and who is to dial. */
interface ShootCase {
  readonly shoot: string
  readonly gardenlet: 'gardenlet-on' | 'gardenlet-off'
  readonly isReversed: boolean
}

/** Those whose manifests are checked in. */
export const GOLDEN_SHOOTS: readonly ShootCase[] = [
  { shoot: 'plain', gardenlet: 'gardenlet-on', isReversed: true },
  { shoot: 'dual-stack', gardenlet: 'gardenlet-on', isReversed: true },
  { shoot: 'old', gardenlet: 'gardenlet-on', isReversed: false },
  { shoot: 'annotated-off', gardenlet: 'gardenlet-on', isReversed: false },
  { shoot: 'annotated-on', gardenlet: 'gardenlet-off', isReversed: true },
]

/** Every shape that manifests come in: each shoot in every direction it can have, with each endpoint and transport. */
export const SHAPES: readonly (ShootCase & { readonly flags: readonly string[] })[] = [
  ...GOLDEN_SHOOTS,
  { shoot: 'plain', gardenlet: 'gardenlet-off', isReversed: false } as const,
  { shoot: 'dual-stack', gardenlet: 'gardenlet-off', isReversed: false } as const,
  { shoot: 'ipv6-only', gardenlet: 'gardenlet-on', isReversed: true } as const,
  { shoot: 'ipv6-only', gardenlet: 'gardenlet-off', isReversed: false } as const,
].flatMap((shape) => [
  { ...shape, flags: [] },
  ...(shape.isReversed ? [{ ...shape, flags: ['--gateway', '--transport=sni'] }] : []),
])

export function titleOf({ shoot, gardenlet, flags = [] }: ShootCase & { flags?: readonly string[] }): string {
  return [shoot, gardenlet, ...flags].join(' ')
}
