// A program for the caller: streams to the pod, through the egress proxy or routed. Its only argument is an EgressOrder as JSON.
// Writes one line, `report` with figures as JSON or `failed` with the reason.
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { carryBulk } from './carry-bulk.js'
import { keepIdleStreams } from './keep-idle-streams.js'
import type { EgressOrder, EgressReport } from './load.js'
import { makeConnects } from './make-connects.js'
import type { Way } from './stream.js'

const order = JSON.parse(process.argv[2] ?? '') as EgressOrder

try {
  console.log(`report ${JSON.stringify(await work(wayOf(order)))}`)
} catch (error) {
  console.log(`failed ${(error as Error).message}`)
  process.exitCode = 1
}

function work(way: Way): Promise<EgressReport> {
  switch (order.manner) {
    case 'connects':
      return makeConnects(way, order.parallel, order.milliseconds)
    case 'download':
    case 'upload':
      return carryBulk(way, order.manner, order.milliseconds)
    case 'idle':
      return keepIdleStreams(way, order)
    default:
      return order satisfies never
  }
}

function wayOf({ host, port, target, tls }: EgressOrder): Way {
  if (tls === undefined) return { host, port, target }
  const context = createSecureContext({
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    ca: readFileSync(tls.caFile),
  })
  return { host, port, target, tls: { context, serverName: tls.serverName } }
}
