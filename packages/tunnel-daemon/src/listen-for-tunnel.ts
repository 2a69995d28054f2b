import type { Server } from 'node:net'
import { listenOn, type TcpEndpoint } from '@reversed-vpn/daemon'
import { setTcpMaxSegment, socketDescriptor } from '@reversed-vpn/node-tun/socket'
import type { HopSocketOptions } from '@reversed-vpn/session'

/**
 * Listens where lanes are accepted. The limit of their segments holds for both directions: the kernel tells it to who dials.
 * @throws EnvironmentError when the port is not available; SyscallError
 */
export async function listenForTunnel(
  server: Server,
  endpoint: TcpEndpoint,
  { maxSegment, signal }: HopSocketOptions & { readonly signal: AbortSignal },
): Promise<void> {
  await listenOn(server, endpoint, { signal })
  const fd = socketDescriptor(server)
  if (maxSegment !== undefined && fd !== undefined) setTcpMaxSegment(fd, maxSegment)
}
