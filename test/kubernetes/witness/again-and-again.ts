// Asks kube-apiserver for the same thing again and again, over connections that it keeps, until it is stopped; not while ten
// answers are still to come, or a machine without time to spare would have ever more to do. Its argument is a Question as JSON.
// A line for each answer: `ok MS` or `failed MS REASON`.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { text } from 'node:stream/consumers'
import type { Question } from './questions.js'

const MAX_OPEN = 10

const [, , argument = ''] = process.argv
const { kubeconfig, everyMs, deadlineMs, method, path, body }: Question = JSON.parse(argument)
const {
  clusters: [{ cluster }],
  users: [{ user }],
} = JSON.parse(readFileSync(kubeconfig, 'utf8'))
const options = {
  ca: Buffer.from(cluster['certificate-authority-data'], 'base64'),
  agent: new Agent({ keepAlive: true }),
  headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/json' },
  method,
}
let open = 0

/** @returns what is wrong with the answer, undefined when nothing is */
function ask(): Promise<string | undefined> {
  const signal = AbortSignal.timeout(deadlineMs)
  return new Promise((resolve) => {
    const asked = request(new URL(path, cluster.server), { ...options, signal }, (answer) => {
      const { statusCode = 0 } = answer
      text(answer).then(
        (said) => resolve(statusCode < 300 ? undefined : `${statusCode} ${messageOf(said)}`),
        (error) => resolve(String(error)),
      )
    })
    asked.on('error', (error) => resolve(String(error)))
    asked.end(body)
  })
}

/** That of a Status of Kubernetes, or all that was said. */
function messageOf(said: string): string {
  try {
    return String(JSON.parse(said).message)
  } catch {
    return said
  }
}

setInterval(async () => {
  if (open >= MAX_OPEN) return
  open++
  const startMs = performance.now()
  const reason = await ask()
  open--
  const took = (performance.now() - startMs).toFixed(0)
  console.log(reason === undefined ? `ok ${took}` : `failed ${took} ${reason.replaceAll(/\s+/g, ' ')}`)
}, everyMs)
