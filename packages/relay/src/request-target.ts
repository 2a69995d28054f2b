import type { IncomingMessage } from 'node:http'

/**
 * Where a request that is no CONNECT goes. A client may name the server in the request line as it would to a proxy, and that
 * counts in place of `Host` (RFC 9112 §3.2.2).
 */
export function requestTarget({ url = '/', headers }: Pick<IncomingMessage, 'url' | 'headers'>): {
  readonly host: string | undefined
  /** With the query. */
  readonly path: string
} {
  const [, host, path] = /^(?:http|ws)s?:\/\/([^/?#]*)(.*)$/i.exec(url) ?? [undefined, headers.host, url]
  return { host, path: path === '' || path?.startsWith('?') ? `/${path}` : (path ?? url) }
}
