import type { Socket } from 'node:net'
import { parseProxyHeader } from './parse-proxy-header.js'
import { type ProxyHeader, ProxyHeaderError } from './proxy-header.js'

/**
 * Reads the PROXY protocol header from a connection that was just accepted. What follows is put back and the socket is paused, so
 * that TLS or HTTP can take it over. The caller enforces the deadline: it aborts `signal`, or destroys the socket.
 *
 * @throws ProxyHeaderError, ERR_PROXY_HEADER_MISSING if the connection ends before; or the signal's reason. The socket stays
 * open.
 */
export function readProxyHeader(socket: Socket, signal: AbortSignal): Promise<ProxyHeader> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const settle = (conclude: () => void) => {
      socket.off('data', onData)
      socket.pause()
      socket.off('end', onGone)
      socket.off('close', onGone)
      signal.removeEventListener('abort', onAbort)
      conclude()
    }
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      try {
        const parsed = parseProxyHeader(bytes)
        if (parsed === undefined) return
        settle(() => {
          const rest = bytes.subarray(parsed.headerBytes)
          if (rest.length > 0) socket.unshift(rest)
          resolve(parsed.header)
        })
      } catch (error) {
        settle(() => reject(error))
      }
    }
    const onGone = () => {
      const text = `the connection ended after ${bytes.length} B, before a PROXY protocol header`
      settle(() => reject(new ProxyHeaderError('ERR_PROXY_HEADER_MISSING', text)))
    }
    const onAbort = () => settle(() => reject(signal.reason))
    socket.on('data', onData)
    socket.resume()
    socket.once('end', onGone)
    socket.once('close', onGone)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
