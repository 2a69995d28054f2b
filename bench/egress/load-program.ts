// A program for the caller: streams to the pod, through the egress proxy or routed. The only argument is an EgressOrder as JSON.
// Prints one line: `report` and figures as JSON, or `failed` and the reason.
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { keepIdleStreams } from './keep-idle-streams.js'
import type { EgressOrder, EgressReport } from './load.js'
import { makeConnects } from './make-connects.js'
import { makePacedConnects } from './make-paced-connects.js'
import { receiveMany } from './receive-many.js'
import { sendBulk } from './send-bulk.js'
import type { StreamPath } from './stream.js'

const order = JSON.parse(process.argv[2] ?? '') as EgressOrder

try {
  console.log(`report ${JSON.stringify(await run(pathOf(order)))}`)
  // A connection without an answer does not keep it.
  setTimeout(() => process.exit(), 1_000).unref()
} catch (error) {
  console.log(`failed ${(error as Error).message}`)
  process.exitCode = 1
}

function run(path: StreamPath): Promise<EgressReport> {
  switch (order.kind) {
    case 'connects':
      return makeConnects(path, order.parallel, order.milliseconds)
    case 'download':
    case 'upload':
      return sendBulk(path, order.kind, order.milliseconds)
    case 'idle':
      return keepIdleStreams(path, order)
    case 'many':
      return receiveMany(path, order)
    case 'paced':
      return makePacedConnects(path, order.everyMilliseconds)
    default:
      return order satisfies never
  }
}

function pathOf({ host, port, target, tls }: EgressOrder): StreamPath {
  if (tls === undefined) return { host, port, target }
  const context = createSecureContext({
    cert: readFileSync(tls.certFile),
    key: readFileSync(tls.keyFile),
    ca: readFileSync(tls.caFile),
  })
  return { host, port, target, tls: { context, serverName: tls.serverName } }
}
