import { Resolver } from 'node:dns/promises'

/** With two servers of which one is dead, an answer takes this long and a little. It doubles with each try. */
const QUERY_TIMEOUT_MS = 1500
const QUERY_TRIES = 2

/** So a server answers for itself, and another may know. Node asks another only where there is no answer. */
const ANSWERS_OF_ONE_SERVER: readonly unknown[] = ['ESERVFAIL', 'EREFUSED', 'ENOTIMP', 'EFORMERR', 'EBADRESP']

/** Name servers, asked in their order as the system's resolver does: the next one if one is silent, has failed or refuses. */
export class NameServers {
  /** The first asks all of them, each further one leaves out one more. */
  readonly #resolvers: readonly Resolver[]

  /** @param servers addresses, with ports or without. @default those of this host */
  constructor(servers?: readonly string[]) {
    const create = (wanted?: readonly string[]) => {
      const resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES })
      if (wanted !== undefined) resolver.setServers(wanted)
      return resolver
    }
    const all = create(servers)
    // Each once.
    const known = all.getServers()
    this.#resolvers = [all, ...known.slice(1).map((_, index) => create(known.slice(index + 1)))]
  }

  resolve4(name: string): Promise<string[]> {
    return this.#ask((resolver) => resolver.resolve4(name))
  }

  resolve6(name: string): Promise<string[]> {
    return this.#ask((resolver) => resolver.resolve6(name))
  }

  /** @throws what the last one that was asked says */
  async #ask(query: (resolver: Resolver) => Promise<string[]>): Promise<string[]> {
    let failure: unknown
    for (const resolver of this.#resolvers) {
      try {
        return await query(resolver)
      } catch (error) {
        failure = error
        if (!ANSWERS_OF_ONE_SERVER.includes((error as NodeJS.ErrnoException).code)) throw error
      }
    }
    throw failure
  }
}
