export { encodeProxyHeader } from './encode-proxy-header.js'
export { MAX_PROXY_HEADER_BYTES, parseProxyHeader } from './parse-proxy-header.js'
export {
  PROXY_PROTOCOL_VERSIONS,
  type ProxyHeader,
  ProxyHeaderError,
  type ProxyHeaderErrorCode,
  type ProxyProtocolVersion,
  type SocketEnd,
} from './proxy-header.js'
export { readProxyHeader } from './read-proxy-header.js'
