import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { SyscallError } from '@reversed-vpn/node-tun'
import { setTcpCongestion, socketDescriptor } from '@reversed-vpn/node-tun/socket'
import { NetworkError } from '../network-error.js'

/** What connections of the tunnel get. */
interface CongestionChoice {
  /** Undefined stands for the kernel's default. */
  readonly name: string | undefined
  /** Why it is not the preferred one, where nobody asked for anything else. */
  readonly refusal?: string
}

/**
 * Finds out, on a socket of its own, which congestion control this process may use: the one asked for, else the preferred one
 * where the kernel lets us, else the kernel's default. Better at start than when the first connection is up.
 * @throws NetworkError ERR_CONGESTION_NOT_AVAILABLE or ERR_CONGESTION_NOT_ALLOWED for one that was asked for and cannot be had
 */
export async function chooseCongestion(
  wanted: string | undefined,
  preferred: string,
): Promise<CongestionChoice> {
  const name = wanted ?? preferred
  const refusal = await tryCongestion(name)
  if (refusal === undefined) return { name }
  if (wanted !== undefined) throw refusal
  return { name: undefined, refusal: refusal.message }
}

async function tryCongestion(name: string): Promise<NetworkError | undefined> {
  // Bound, since nothing else in Node gives a descriptor at once; the port is closed before anybody can find it.
  const probe = createServer()
  try {
    probe.listen({ host: '127.0.0.1', port: 0, backlog: 1 })
    await once(probe, 'listening')
    const fd = socketDescriptor(probe)
    if (fd !== undefined) setTcpCongestion(fd, name)
    return undefined
  } catch (cause) {
    return explain(name, cause)
  } finally {
    probe.close()
  }
}

async function explain(name: string, cause: unknown): Promise<NetworkError> {
  const code = cause instanceof SyscallError ? cause.code : undefined
  if (code === 'EPERM') {
    const sysctl = 'net.ipv4.tcp_allowed_congestion_control'
    return new NetworkError(
      'ERR_CONGESTION_NOT_ALLOWED',
      `congestion control ${name} is not allowed: expected it in ${sysctl}, which is "${await read(sysctl)}", or CAP_NET_ADMIN`,
      { cause },
    )
  }
  const sysctl = 'net.ipv4.tcp_available_congestion_control'
  const reason =
    code === 'ENOENT'
      ? `is not available: expected one of ${sysctl}, which is "${await read(sysctl)}"`
      : `cannot be tried: ${(cause as Error).message}`
  return new NetworkError('ERR_CONGESTION_NOT_AVAILABLE', `congestion control ${name} ${reason}`, { cause })
}

function read(sysctl: string): Promise<string> {
  return readFile(`/proc/sys/${sysctl.replaceAll('.', '/')}`, 'utf8').then(
    (text) => text.trim(),
    () => 'unknown',
  )
}
