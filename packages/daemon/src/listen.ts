import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { lstat, rm } from 'node:fs/promises'
import { connect, isIP, type Server } from 'node:net'
import { lookUpAddresses, untilSettled } from '@reversed-vpn/relay'
import { describeCause, EnvironmentError } from './errors.js'
import { type Endpoint, formatEndpoint, type TcpEndpoint } from './options/endpoint.js'

interface ListenOnOptions {
  /** Connections that may wait to be accepted; the kernel caps it at `somaxconn`. @default Node's 511 */
  readonly backlog?: number
  /** File mode of a Unix socket: who may connect. @default 0o777 less the umask */
  readonly mode?: number
  /** Ends the look-up of a name. @default never fires */
  readonly signal?: AbortSignal
}

/**
 * Listens, and resolves with the bound endpoint: for port 0 it has the port that the kernel chose. `[::]` accepts both address
 * families; on a machine without IPv6 it becomes `0.0.0.0`. Of a name the first address is bound. A Unix socket that a dead
 * process left behind is replaced; a live socket and any other file stay.
 *
 * @throws EnvironmentError naming endpoint and cause; `cause.code` is the system's, and ENOTSOCK when the path is another
 * kind of file
 */
export async function listenOn(
  server: Server,
  endpoint: Endpoint,
  options: ListenOnOptions = {},
): Promise<Endpoint> {
  try {
    const isName = endpoint.type === 'tcp' && isIP(endpoint.host) === 0
    const where = isName ? await resolveName(endpoint, options.signal) : endpoint
    await bind(server, where, options).catch(async (error: NodeJS.ErrnoException) =>
      bind(server, await recover(where, error), options),
    )
  } catch (cause) {
    throw new EnvironmentError(`cannot listen on ${formatEndpoint(endpoint)}: ${describeCause(cause)}`, {
      cause,
    })
  }
  const bound = server.address()
  if (bound === null)
    throw new EnvironmentError(
      `cannot listen on ${formatEndpoint(endpoint)}: the server was closed meanwhile`,
    )
  return typeof bound === 'string'
    ? { type: 'unix', path: bound }
    : { type: 'tcp', host: bound.address, port: bound.port }
}

/** Not left to `listen`, whose look-up keeps a thread that the end of the process waits for. */
async function resolveName(
  endpoint: TcpEndpoint,
  signal = new AbortController().signal,
): Promise<TcpEndpoint> {
  const [host = endpoint.host] = await untilSettled<readonly string[]>(signal, (resolve, reject) => {
    lookUpAddresses(endpoint.host).then(resolve, reject)
    return () => {}
  })
  return { ...endpoint, host }
}

async function bind(server: Server, endpoint: Endpoint, { backlog, mode }: ListenOnOptions): Promise<void> {
  const listening = once(server, 'listening')
  const where =
    endpoint.type === 'unix' ? { path: endpoint.path } : { host: endpoint.host, port: endpoint.port }
  server.listen({ ...where, ...(backlog !== undefined && { backlog }) })
  // The socket exists as soon as `listen` returns. In the same turn of the event loop nobody is accepted under another mode.
  if (endpoint.type === 'unix' && mode !== undefined && server.listening) chmodSync(endpoint.path, mode)
  await listening
}

/** What to bind after a first attempt failed. @throws the error to report when there is nothing else to try */
async function recover(endpoint: Endpoint, error: NodeJS.ErrnoException): Promise<Endpoint> {
  if (endpoint.type === 'tcp') {
    const hasNoIPv6 = error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL'
    if (endpoint.host === '::' && hasNoIPv6) return { ...endpoint, host: '0.0.0.0' }
    throw error
  }
  if (error.code !== 'EADDRINUSE') throw error
  const file = await lstat(endpoint.path).catch(() => undefined)
  if (file === undefined) return endpoint
  // Connections to other files are refused too, and they are not ours to remove.
  if (!file.isSocket())
    throw Object.assign(new Error('the file exists and is not a socket (ENOTSOCK)', { cause: error }), {
      code: 'ENOTSOCK',
      syscall: 'listen',
    })
  if (!(await isStale(endpoint.path))) throw error
  await rm(endpoint.path, { force: true })
  return endpoint
}

/** Whether nobody listens on a socket. One whose backlog is full (EAGAIN) or that we may not use (EACCES) is somebody's. */
async function isStale(path: string): Promise<boolean> {
  const probe = connect(path)
  try {
    await once(probe, 'connect')
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ECONNREFUSED'
  } finally {
    probe.destroy()
  }
}
