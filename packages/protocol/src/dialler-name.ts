// How a seed-server that dials says which one it is, before anything else is sent (SPEC.md, section 7).

const PREFIX = 'reversed-vpn-dialler/'
const ID = /^[0-9a-f]{32}$/

/** The ALPN name that the seed side offers beside the one of the framing. Never selected. @param id 32 hexadecimal digits */
export function diallerName(id: string): string {
  return PREFIX + id
}

/** The id among the ALPN names that a dialler has offered. Undefined when it named none. */
export function diallerIdIn(offered: readonly string[]): string | undefined {
  const id = offered.find((name) => name.startsWith(PREFIX))?.slice(PREFIX.length)
  return id !== undefined && ID.test(id) ? id : undefined
}
