// A program for hosts of the lab: knocks at ports over TCP and UDP. Its only argument is a ScanPlan as JSON; it prints a ScanReport.
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { ScanPlan, ScanReport } from './scan-ports.js'

const plan = JSON.parse(process.argv[2] ?? '{}') as ScanPlan
/** At a time, so that no queue on the way overflows. */
const BATCH = 250

const answered = new Set<number>()

function knock(port: number): () => void {
  const socket = connect({ host: plan.host, port })
  // Also who refuses has answered.
  socket.once('connect', () => answered.add(port))
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNREFUSED') answered.add(port)
  })
  return () => socket.destroy()
}

const udp = createSocket(isIPv6(plan.host) ? 'udp6' : 'udp4')
udp.on('message', (_, { port }) => answered.add(port))
udp.on('error', () => {})

const ports = plan.ranges.flatMap(([first, last]) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index),
)
for (let first = 0; first < ports.length; first += BATCH) {
  const batch = ports.slice(first, first + BATCH)
  const ends = batch.map(knock)
  for (const port of batch) udp.send('anyone?', port, plan.host)
  await pause(plan.waitMs)
  for (const end of ends) end()
}
udp.close()
const report: ScanReport = { answered: [...answered] }
process.stdout.write(JSON.stringify(report))
