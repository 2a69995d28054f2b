// A worker that adopts the queue whose descriptor it is given, and tells what it reads from it.
import { parentPort, workerData } from 'node:worker_threads'
import { adoptTunQueue } from '@reversed-vpn/node-tun'
import { readPayloads } from './tun-lab.js'

const queue = adoptTunQueue(workerData)
queue.startPolling(() => {
  const payloads = readPayloads(queue)
  if (payloads.length > 0) parentPort?.postMessage(payloads)
})
parentPort?.postMessage('reads')
