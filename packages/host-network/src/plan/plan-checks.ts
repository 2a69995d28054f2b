import { AddressError } from '@reversed-vpn/ip'
import { NetworkError } from '../network-error.js'

/** Reads a part of a plan. @param what names it in the error. @throws NetworkError ERR_NETWORK_PLAN_INVALID */
export function parseNamed<T>(what: string, text: string, parse: (text: string) => T): T {
  try {
    return parse(text)
  } catch (cause) {
    if (!(cause instanceof AddressError)) throw cause
    throw new NetworkError('ERR_NETWORK_PLAN_INVALID', `${what}: ${cause.message}`, { cause })
  }
}

/**
 * Narrower than the kernel's own rule: the name also stands in nft strings and in paths under /proc/sys.
 * @throws NetworkError ERR_NETWORK_PLAN_INVALID
 */
export function checkInterfaceName(what: string, name: string): void {
  if (!/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$/.test(name) || name === 'all' || name === 'default') {
    throw invalid(`${what} ${JSON.stringify(name)} is not the name of an interface`)
  }
}

/** @throws NetworkError ERR_NETWORK_PLAN_INVALID */
export function checkInteger(what: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw invalid(`${what} is ${value}, expected ${min} to ${max}`)
  }
}

export function invalid(message: string): NetworkError {
  return new NetworkError('ERR_NETWORK_PLAN_INVALID', message)
}
