import { execFileSync } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { EventEmitter, once } from 'node:events'
import { openTun } from '@reversed-vpn/node-tun'
import type { CreateTunLab } from './tun-lab.js'
import { FAR_ADDRESS, FAR_PORT, type Family, HOST_ADDRESS, HOST_PORT } from './udp-frame.js'

/** Runs iproute2 in the namespace of this process, without the sanitizer that this one may run under; returns what it prints. */
export function ip(...args: readonly string[]): string {
  const { LD_PRELOAD, ...env } = process.env
  return execFileSync('ip', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], env })
}

/** Addresses of both families, then up. Until the kernel has given the IPv6 address its route, a moment later, it drops what is for it. */
export function bringUp(name: string): void {
  ip('address', 'add', `${HOST_ADDRESS[4]}/24`, 'dev', name)
  ip('address', 'add', `${HOST_ADDRESS[6]}/64`, 'dev', name, 'nodad')
  ip('link', 'set', name, 'up')
  while (!ip('-6', 'route', 'show', 'table', 'local', 'dev', name).includes(HOST_ADDRESS[6]));
}

export function interfaceExists(name: string): boolean {
  return ip('-oneline', 'link', 'show').includes(` ${name}: `)
}

async function bind(family: Family): Promise<Socket> {
  const socket = createSocket(family === 4 ? 'udp4' : 'udp6')
  socket.bind(HOST_PORT, HOST_ADDRESS[family])
  await once(socket, 'listening')
  return socket
}

/** A real TUN, `lab0`, and UDP sockets on the host. Needs a network namespace of its own. */
export const createLinuxLab: CreateTunLab = async (options = {}) => {
  const device = openTun({ name: 'lab0', exclusive: true })
  if (options.queueLimitPackets !== undefined) {
    ip('link', 'set', device.name, 'txqueuelen', String(options.queueLimitPackets))
  }
  bringUp(device.name)
  const sockets = { 4: await bind(4), 6: await bind(6) }
  const received: string[] = []
  const arrivals = new EventEmitter()
  for (const socket of [sockets[4], sockets[6]]) {
    socket.on('message', (message) => {
      received.push(message.toString())
      arrivals.emit('arrival')
    })
  }
  return {
    device,
    hostSends: (family, flow, payload) =>
      new Promise((resolve, reject) => {
        sockets[family].send(payload, FAR_PORT + flow, FAR_ADDRESS[family], (error) =>
          error === null ? resolve() : reject(error),
        )
      }),
    async hostReceives(count) {
      while (received.length < count) await once(arrivals, 'arrival')
      return received.splice(0, count).sort()
    },
    exists: () => interfaceExists(device.name),
    vanish: () => void ip('link', 'delete', device.name),
    async [Symbol.asyncDispose]() {
      sockets[4].close()
      sockets[6].close()
      device.close()
    },
  }
}
