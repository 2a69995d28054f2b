/** Which states may follow which. */
export type Legal<State extends string> = Readonly<Record<State, readonly State[]>>

/** @throws when `to` may not follow `from`: a mistake of ours */
export function checkLegal<State extends string>(
  what: string,
  legal: Legal<State>,
  from: State,
  to: State,
): void {
  if (!legal[from].includes(to)) throw new Error(`${what} cannot go from ${from} to ${to}`)
}
