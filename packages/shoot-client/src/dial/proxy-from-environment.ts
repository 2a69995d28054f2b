import { UsageError } from '@reversed-vpn/daemon'
import type { DialTarget } from '@reversed-vpn/session'
import { isProxyUnwanted } from './no-proxy.js'

/** In the order in which they count. Whatever the transport, TLS runs inside. */
const VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']

/**
 * The proxy for `target` that the environment names, as curl and Go read it.
 * @throws UsageError naming the variable, without its value, which may hold a password
 */
export function proxyFromEnvironment(target: DialTarget, env: NodeJS.ProcessEnv): URL | undefined {
  const variable = VARIABLES.find((name) => Boolean(env[name]?.trim()))
  if (variable === undefined) return undefined
  if (isProxyUnwanted(target, env.no_proxy || env.NO_PROXY || '')) return undefined
  const proxy = parseProxyUrl(env[variable] ?? '')
  if (proxy === undefined)
    throw new UsageError(`${variable}: expected a URL of scheme http or https, or HOST:PORT`)
  return proxy
}

/** Reads the URL of a proxy. One without a scheme is meant as `http://`. */
export function parseProxyUrl(text: string): URL | undefined {
  const written = text.trim()
  const whole = written.includes('://') ? written : `http://${written}`
  if (!URL.canParse(whole)) return undefined
  const url = new URL(whole)
  return ['http:', 'https:'].includes(url.protocol) ? url : undefined
}
