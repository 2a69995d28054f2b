// Callers of an egress proxy, in a process of their own. Its first message is a CallerPlan; it answers with a CallerReport.
import { once } from 'node:events'
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import type { CallerPlan, CallerReport } from './messages.js'

/** Handshakes at a time. */
const WIDTH = 100
const ENDLESS_BYTES = 2 ** 30
const failures: Record<string, number> = {}

process.once('message', async (plan: CallerPlan) => {
  const secureContext = createSecureContext(plan)
  const open = () => dial(plan, secureContext)
  const unread = await many(plan.unread, open)
  for (const socket of unread) socket.write(String(ENDLESS_BYTES))
  const quiet = await many(plan.quiet, open)
  const downloads = await many(plan.downloads, open)
  const lengths = await Promise.all(downloads.map((socket) => download(socket, plan.bytes)))
  const report: CallerReport = {
    opened: unread.length + quiet.length + downloads.length,
    whole: lengths.filter((length) => length === plan.bytes).length,
    failures,
  }
  process.send?.(report)
  // They stay until they are killed; sockets that are not read keep no process alive.
  setInterval(() => {}, 60_000)
})

async function many(count: number, open: () => Promise<TLSSocket | undefined>): Promise<TLSSocket[]> {
  const sockets: TLSSocket[] = []
  let begun = 0
  const work = async () => {
    while (begun++ < count) {
      const socket = await open()
      if (socket !== undefined) sockets.push(socket)
    }
  }
  await Promise.all(Array.from({ length: WIDTH }, work))
  return sockets
}

/** Answered with 200, and paused. */
async function dial(
  { port, targetPort }: CallerPlan,
  secureContext: ReturnType<typeof createSecureContext>,
): Promise<TLSSocket | undefined> {
  const socket = connect({ host: '127.0.0.1', port, secureContext, servername: 'proxy.test' })
  try {
    await once(socket, 'secureConnect')
    socket.write(`CONNECT 127.0.0.1:${targetPort} HTTP/1.1\r\nHost: a\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    socket.pause()
    const line = answer.toString('latin1').split('\r\n')[0] ?? ''
    if (!line.startsWith('HTTP/1.1 200 ')) throw new Error(line)
    socket.on('error', () => {})
    return socket
  } catch (error) {
    const { message } = error as Error
    failures[message] = (failures[message] ?? 0) + 1
    socket.destroy()
    return undefined
  }
}

async function download(socket: TLSSocket, bytes: number): Promise<number> {
  let length = 0
  const closed = once(socket, 'close')
  socket.on('data', (chunk: Buffer) => {
    length += chunk.length
  })
  socket.once('end', () => socket.end())
  socket.write(String(bytes))
  socket.resume()
  await closed
  return length
}
