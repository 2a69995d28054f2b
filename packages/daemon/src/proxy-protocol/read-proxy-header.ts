import type { Socket } from 'node:net'
import { untilSettled } from '@reversed-vpn/relay'
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
  return untilSettled(signal, (resolve, reject) => {
    let bytes = Buffer.alloc(0)
    const onData = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      try {
        const parsed = parseProxyHeader(bytes)
        if (parsed === undefined) return
        resolve(parsed.header)
        const rest = bytes.subarray(parsed.headerBytes)
        if (rest.length > 0) socket.unshift(rest)
      } catch (error) {
        reject(error)
      }
    }
    const onGone = () => {
      const text = `the connection ended after ${bytes.length} B, before a PROXY protocol header`
      reject(new ProxyHeaderError('ERR_PROXY_HEADER_MISSING', text))
    }
    socket.on('data', onData).once('end', onGone).once('close', onGone)
    socket.resume()
    return () => {
      socket.off('data', onData).off('end', onGone).off('close', onGone)
      socket.pause()
    }
  })
}
