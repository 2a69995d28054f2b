export * from './constants.js'
export {
  CLOSE_CODES,
  type CloseCode,
  TUNNEL_ERROR_CODES,
  TunnelError,
  type TunnelErrorCode,
  type TunnelErrorOptions,
} from './errors.js'
