import type { Route, RouteTable } from './route-table.js'
import { readRoutesFile } from './routes-file.js'

/**
 * The table that is in force. A file that cannot be used changes nothing. A route that changes or goes counts for later
 * connections; open ones keep their backend.
 */
export class RouteStore {
  readonly #file: string
  #table: RouteTable

  /** @throws RoutesFileError */
  constructor(file: string) {
    this.#file = file
    this.#table = readRoutesFile(file)
  }

  get table(): RouteTable {
    return this.#table
  }

  /**
   * Reads the file again.
   * @returns what is new, for the log; undefined when nothing is
   * @throws RoutesFileError, with the old table in force
   */
  reload(): object | undefined {
    const before = this.#table
    const table = readRoutesFile(this.#file)
    if (JSON.stringify(table.routes) === JSON.stringify(before.routes)) return undefined
    this.#table = table
    return { file: this.#file, ...difference(before.routes, table.routes), routes: table.routes.length }
  }
}

function difference(before: readonly Route[], after: readonly Route[]) {
  const old = new Map(before.map((route) => [route.name, JSON.stringify(route)]))
  const names = new Set(after.map((route) => route.name))
  return {
    added: after.filter((route) => !old.has(route.name)).map((route) => route.name),
    changed: after
      .filter((route) => old.has(route.name) && old.get(route.name) !== JSON.stringify(route))
      .map((route) => route.name),
    removed: before.filter((route) => !names.has(route.name)).map((route) => route.name),
  }
}
