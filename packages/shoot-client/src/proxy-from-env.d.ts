declare module 'proxy-from-env' {
  /** The proxy that the environment names for this URL; empty when there is none, or NO_PROXY has the host. */
  export function getProxyForUrl(url: string): string
}
