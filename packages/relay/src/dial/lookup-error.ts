/** As the system's resolver fails: `ENOTFOUND`, there is no such name; `EAI_AGAIN`, nobody could tell. */
export function lookupError(code: 'ENOTFOUND' | 'EAI_AGAIN', message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code })
}
