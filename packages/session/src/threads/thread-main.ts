// Entry of a thread that carries lanes: takes connections over and does with them what the main thread says.
import { parentPort } from 'node:worker_threads'
import type { TlsDoor } from '../listen/tls-door.js'
import { GcPauses } from './gc-pauses.js'
import type { FromThread, ShownMaterial, ToThread } from './messages.js'
import { ThreadConnection } from './thread-connection.js'

/** How old the state of a lane may be that the main thread reads. What is counted is never old. */
const STATE_INTERVAL_MS = 500

const garbage = new GcPauses()
const connections = new Map<number, ThreadConnection>()
let door: TlsDoor<ThreadConnection> | undefined

/** What only one who accepts needs, or one who dials, is loaded by the first connection of that kind. */
async function onMessage(message: ToThread): Promise<void> {
  switch (message.to) {
    case 'thread':
      await show(message.show)
      return
    case 'accept':
      take(message.given)?.accept(door)
      return
    case 'dial': {
      const { secureTunnel } = await import('../dial/dial-tunnel.js')
      void take(message.given)?.dial((socket, signal) => secureTunnel(socket, message.options, signal))
      return
    }
    default:
      connections.get(message.to)?.onOrder(message.order)
  }
}

async function show({ tls, peerName }: ShownMaterial): Promise<void> {
  if (door !== undefined) {
    door.setTlsMaterial(tls)
    return
  }
  const { TlsDoor } = await import('../listen/tls-door.js')
  door = new TlsDoor<ThreadConnection>({
    tls,
    peerName,
    onPeer: (connection, socket, peer) => connection.onProven(socket, peer),
    onRefused: (connection, _, reason, detail) => connection?.onRefused(reason, detail),
  })
}

function take({
  id,
  descriptor,
  early,
  memory,
}: Extract<ToThread, { to: 'accept' }>['given']): ThreadConnection | undefined {
  const connection = ThreadConnection.open(descriptor, memory, (report) => {
    if (report.is === 'gone') connections.delete(id)
    parentPort?.postMessage({ from: id, report } satisfies FromThread)
  })
  if (connection === undefined) return undefined
  if (early !== undefined) connection.putBack(early)
  connections.set(id, connection)
  return connection
}

// One after the other, also while something is loaded. What fails ends the thread.
let handled = Promise.resolve()
parentPort?.on('message', (message: ToThread) => {
  handled = handled.then(() => onMessage(message))
})
setInterval(() => {
  for (const connection of connections.values()) connection.publishState()
  const gcPauses = garbage.take()
  if (gcPauses.length > 0) parentPort?.postMessage({ from: 'thread', gcPauses } satisfies FromThread)
}, STATE_INTERVAL_MS).unref()
