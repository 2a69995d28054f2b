/** What can go wrong with the network of this host: its interfaces, routes, firewall and congestion control. */
type NetworkErrorCode =
  | 'ERR_NETWORK_PLAN_INVALID'
  | 'ERR_NETWORK_CONFLICT'
  | 'ERR_TRANSFER_NETWORK_NOT_ALLOWED'
  | 'ERR_TRANSFER_NETWORK_CONFLICT'
  | 'ERR_NETWORK_COMMAND'
  | 'ERR_NETWORK_COMMAND_TIMEOUT'
  | 'ERR_NETWORK_TOOL_MISSING'
  | 'ERR_TUN_MISSING'
  | 'ERR_FORWARDING_DISABLED'
  | 'ERR_IPV6_DISABLED'
  | 'ERR_TUN_NOT_OURS'
  | 'ERR_TUN_IN_USE'
  | 'ERR_TUN_NOT_PERMITTED'
  | 'ERR_NETWORK_NOT_PREPARED'
  | 'ERR_CONGESTION_NOT_ALLOWED'
  | 'ERR_CONGESTION_NOT_AVAILABLE'

/** The command that failed. */
export interface FailedCommand {
  /** Tool and arguments as they were run, without a shell. */
  readonly command: string
  /** Absent when the command was not started or did not end by itself. */
  readonly exitStatus?: number
  /** The line of stderr that says why; empty when there was none. */
  readonly stderrLine: string
  /** The line of the batch on stdin that was refused, where the tool names it. */
  readonly inputLine?: string
}

interface NetworkErrorOptions {
  readonly failed?: FailedCommand
  readonly cause?: unknown
}

/** Callers match `code`, never the message. */
export class NetworkError extends Error {
  override readonly name = 'NetworkError'
  readonly code: NetworkErrorCode
  /** Present for the codes that speak of a command. */
  readonly failed?: FailedCommand

  constructor(code: NetworkErrorCode, message: string, options: NetworkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    if (options.failed !== undefined) this.failed = options.failed
  }
}
