import type { Direction } from '../measure/iperf.js'

/** A direction in the name and in the title of a scenario. */
export function directionName(direction: Direction): { readonly suffix: string; readonly arrow: string } {
  return direction === 'toShoot'
    ? { suffix: 'to-shoot', arrow: 'caller → pod' }
    : { suffix: 'to-seed', arrow: 'pod → caller' }
}
