import type { Socket } from 'node:net'
import { HttpProxyAgent } from 'http-proxy-agent'
import { basicCredentials } from './credentials.js'

/**
 * Names the target in the request itself (absolute-form, RFC 9112 §3.2.2), for a proxy that is asked as for a page. The
 * connection to the proxy is there already: it was dialled as everything here is.
 */
export class PlainProxyAgent extends HttpProxyAgent<string> {
  readonly #socket: Socket

  constructor(proxy: URL, socket: Socket) {
    const authorization = basicCredentials(proxy)
    // Credentials stay out of the agent's URL: it throws at a percent sign that begins no escape.
    super(
      proxy.origin,
      authorization === undefined ? {} : { headers: { 'Proxy-Authorization': authorization } },
    )
    this.#socket = socket
  }

  override async connect(): Promise<Socket> {
    return this.#socket
  }
}
