import { lstat, unlink } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { describeCause, EnvironmentError } from './errors.js'
import { type Endpoint, formatEndpoint } from './options/endpoint.js'

/**
 * Listens, and resolves with where: the port the kernel chose for 0. `[::]` takes both families; on a machine without IPv6
 * it becomes `0.0.0.0`. A socket file that a dead process left behind is replaced, a live one's is not.
 *
 * @param backlog connections that may wait to be accepted, as far as the system lets them (`somaxconn`) @default Node's 511
 * @throws EnvironmentError naming address and cause
 */
export async function listenOn(server: Server, endpoint: Endpoint, backlog?: number): Promise<Endpoint> {
  try {
    await listenOnce(server, endpoint, backlog)
  } catch (error) {
    const fallback = await findFallback(endpoint, error)
    const address = formatEndpoint(endpoint)
    if (!fallback) throw cannotListen(address, error)
    await listenOnce(server, fallback, backlog).catch((again: unknown) => {
      throw cannotListen(address, again)
    })
  }
  const bound = server.address()
  if (bound === null)
    throw new EnvironmentError(`cannot listen on ${formatEndpoint(endpoint)}: closed meanwhile`)
  return typeof bound === 'string'
    ? { type: 'unix', path: bound }
    : { type: 'tcp', host: bound.address, port: bound.port }
}

function cannotListen(address: string, cause: unknown): EnvironmentError {
  return new EnvironmentError(`cannot listen on ${address}: ${describeCause(cause)}`, { cause })
}

function listenOnce(server: Server, endpoint: Endpoint, backlog: number | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    const where =
      endpoint.type === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port }
    server.listen({ ...where, ...(backlog !== undefined && { backlog }) }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

async function findFallback(endpoint: Endpoint, error: unknown): Promise<Endpoint | undefined> {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (endpoint.type === 'tcp') {
    const withoutIPv6 = endpoint.host === '::' && (code === 'EAFNOSUPPORT' || code === 'EADDRNOTAVAIL')
    return withoutIPv6 ? { ...endpoint, host: '0.0.0.0' } : undefined
  }
  if (code !== 'EADDRINUSE' || !(await isStaleSocket(endpoint.path))) return undefined
  await unlink(endpoint.path)
  return endpoint
}

/** A socket nobody listens on. Other files refuse connections too, and are not ours to remove. */
async function isStaleSocket(path: string): Promise<boolean> {
  const file = await lstat(path).catch(() => undefined)
  if (!file?.isSocket()) return false
  return new Promise((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(false)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'ECONNREFUSED'))
  })
}
