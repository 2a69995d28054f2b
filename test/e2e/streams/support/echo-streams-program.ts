// A program for hosts of the lab: many streams through the egress proxy to where what they say comes back, each compared with
// what it said. Its only argument is an EchoLoad as JSON. SIGUSR2: it prints `all flow` as soon as each stream that runs has
// heard something said after the signal. SIGUSR1: a few streams say a tail and end. SIGTERM: all do. When the last has ended
// it prints an EchoReport.
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { SocketConstructorOpts } from 'node:net'
import { type ConnectionOptions, connect, createSecureContext, type TLSSocket } from 'node:tls'
import type { EchoLoad, EchoReport } from './echo-streams.js'

const CHUNK_BYTES = 4096
const TURN_MS = 50
/** What may be said before it is heard. */
const MAX_UNHEARD_BYTES = 262_144
const TAIL_BYTES = 100_000
const ENDING_AT_ONCE = 5

const load = JSON.parse(process.argv[2] ?? '') as EchoLoad
const secureContext = createSecureContext({
  cert: readFileSync(load.certFile),
  key: readFileSync(load.keyFile),
  ca: readFileSync(load.caFile),
})

class EchoStream {
  readonly #socket: TLSSocket
  readonly #said = createHash('sha256')
  readonly #heard = createHash('sha256')
  #saidBytes = 0
  #behindByte = 0
  heardBytes = 0
  isEnding = false
  isClosed = false
  failure: string | undefined

  constructor(socket: TLSSocket) {
    this.#socket = socket
    let error: Error | undefined
    let hasEnded = false
    socket.on('data', (chunk) => {
      this.#heard.update(chunk)
      this.heardBytes += chunk.length
      tellWhenAllFlow()
    })
    socket.on('end', () => {
      hasEnded = true
      if (!this.isEnding) socket.end()
    })
    socket.on('error', (reason) => {
      error = reason
    })
    socket.on('close', () => {
      this.isClosed = true
      if (error !== undefined) this.failure = error.message
      else if (!hasEnded) this.failure = 'closed without an end'
      else if (!this.isEnding) this.failure = 'ended by the other side'
      else if (this.#said.digest('hex') !== this.#heard.digest('hex')) this.failure = 'other bytes came back'
      tellWhenAllFlow()
      tellWhenAllEnded()
    })
    socket.resume()
  }

  /** Whether what was said after the mark is heard, where anything is said at all. */
  get flows(): boolean {
    return this.isClosed || this.isEnding || this.heardBytes > this.#behindByte
  }

  mark(): void {
    this.#behindByte = this.#saidBytes
  }

  say(bytes: number): boolean {
    const chunk = randomBytes(bytes)
    this.#said.update(chunk)
    this.#saidBytes += bytes
    return this.#socket.write(chunk)
  }

  sayALittle(): void {
    if (!this.isEnding && this.#saidBytes - this.heardBytes < MAX_UNHEARD_BYTES) this.say(CHUNK_BYTES)
  }

  async sayAll(bytes: number): Promise<void> {
    for (let left = bytes; left > 0 && !this.isClosed; left -= 65_536)
      if (!this.say(Math.min(left, 65_536)))
        await Promise.race([once(this.#socket, 'drain'), once(this.#socket, 'close')])
    this.end()
  }

  end(tailBytes = 0): void {
    if (this.isEnding) return
    if (tailBytes > 0) this.say(tailBytes)
    this.isEnding = true
    this.#socket.end()
  }
}

let isMarked = false
let streams: readonly EchoStream[] = []
streams = await Promise.all(Array.from({ length: load.count }, open))
process.on('SIGUSR2', () => {
  for (const stream of streams) stream.mark()
  isMarked = true
  tellWhenAllFlow()
})
process.on('SIGUSR1', () => {
  for (const stream of streams.filter(({ isEnding }) => !isEnding).slice(0, ENDING_AT_ONCE))
    stream.end(TAIL_BYTES)
  console.log('ended some')
})
process.on('SIGTERM', () => {
  for (const stream of streams) stream.end(TAIL_BYTES)
})
console.log('all open')
const { bytes } = load
if (bytes !== undefined) for (const stream of streams) void stream.sayAll(bytes)
else
  setInterval(() => {
    for (const stream of streams) stream.sayALittle()
  }, TURN_MS)

function tellWhenAllFlow(): void {
  if (!isMarked || !streams.every(({ flows }) => flows)) return
  isMarked = false
  console.log('all flow')
}

function tellWhenAllEnded(): void {
  if (streams.length < load.count || !streams.every(({ isClosed }) => isClosed)) return
  const failures = streams.flatMap(({ failure }) => failure ?? [])
  const report: EchoReport = {
    intact: streams.length - failures.length,
    heardBytes: streams.reduce((sum, { heardBytes }) => sum + heardBytes, 0),
    failures: [...new Set(failures)].map(
      (what) => `${failures.filter((one) => one === what).length} × ${what}`,
    ),
  }
  console.log(`report ${JSON.stringify(report)}`)
  process.exit()
}

async function open(): Promise<EchoStream> {
  const { proxyHost: host, proxyPort: port, target } = load
  const options: ConnectionOptions & Pick<SocketConstructorOpts, 'allowHalfOpen'> = {
    host,
    port,
    secureContext,
    servername: host,
    allowHalfOpen: true,
  }
  const socket = connect(options)
  await once(socket, 'secureConnect')
  socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
  // The answer comes alone: the other end says nothing by itself.
  const [answer] = (await once(socket, 'data')) as [Buffer]
  const [line = ''] = answer.toString('latin1').split('\r\n')
  if (!line.startsWith('HTTP/1.1 200 ')) throw new Error(line)
  socket.pause()
  return new EchoStream(socket)
}
