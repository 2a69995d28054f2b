// Whether the daemon of this container is alive: exit code 0 when its admin server answers /healthz with 200, else 1 and one
// line. HEALTHCHECK_URL is for daemons whose --admin-listen is not the usual one.
import { get } from 'node:http'

const ADMIN_PORTS = { 'seed-server': 15000, 'shoot-client': 15001, 'sni-gateway': 15002 }
const TIMEOUT_MS = 4000

const url = process.env.HEALTHCHECK_URL ?? `http://localhost:${ADMIN_PORTS[process.env.DAEMON]}/healthz`

function fail(problem) {
  console.error(`healthcheck: ${url}: ${problem}`)
  process.exit(1)
}

get(url, { signal: AbortSignal.timeout(TIMEOUT_MS), agent: false }, ({ statusCode }) => {
  if (statusCode !== 200) fail(`status ${statusCode}, expected 200`)
  process.exit(0)
}).on('error', ({ code, message }) => fail(code ?? message))
