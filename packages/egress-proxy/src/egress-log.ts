/** What the egress proxy needs of a logger; a pino `Logger` is one. */
export interface EgressLogger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}
