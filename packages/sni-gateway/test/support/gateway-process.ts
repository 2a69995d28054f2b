import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const BIN = fileURLToPath(new URL('../../bin/sni-gateway.js', import.meta.url))

interface LogRecord {
  readonly msg: string
  readonly reason?: string
  readonly [field: string]: unknown
}

/** The real daemon as a process of its own, on ports that the kernel chose. */
export class GatewayProcess implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #dir: string
  readonly #records: LogRecord[] = []
  readonly #waiting = new Set<() => void>()
  #stderr = ''
  #isClosed = false
  tlsPort = 0
  connectPort = 0
  adminPort = 0

  /** @param routes contents of the routes file */
  static async start(routes: string, args: readonly string[] = []): Promise<GatewayProcess> {
    const gateway = new GatewayProcess(routes, args)
    const started = await gateway.waitForLog(({ msg }) => msg === 'sni-gateway started')
    const { tls, connect, admin } = started as unknown as Record<
      'tls' | 'connect' | 'admin',
      { port: number }
    >
    gateway.tlsPort = tls.port
    gateway.connectPort = connect.port
    gateway.adminPort = admin.port
    return gateway
  }

  private constructor(routes: string, args: readonly string[]) {
    this.#dir = mkdtempSync(join(tmpdir(), 'sni-gateway-'))
    this.writeRoutes(routes)
    const listen = [
      '--tls-listen',
      '127.0.0.1:0',
      '--connect-listen',
      '127.0.0.1:0',
      '--admin-listen',
      '127.0.0.1:0',
    ]
    this.#child = spawn(BIN, ['--routes', this.routesFile, ...listen, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream === null) continue
      createInterface({ input: stream }).on('line', (line) => this.#onLine(line))
    }
    // Not when it ends: its last lines may still be on their way.
    this.#child.once('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  get routesFile(): string {
    return join(this.#dir, 'routes.yaml')
  }

  writeRoutes(routes: string): void {
    writeFileSync(this.routesFile, routes)
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The first record that fits, from those written since `from`; rejects when the process ends without it. */
  async waitForLog(fits: (record: LogRecord) => boolean, from = 0): Promise<LogRecord> {
    for (;;) {
      const found = this.#records.slice(from).find(fits)
      if (found !== undefined) return found
      if (this.#isClosed) throw new Error(`ended with ${this.#child.exitCode}: ${this.#stderr}`)
      await new Promise<void>((resolve) => this.#waiting.add(resolve))
    }
  }

  /** The access log's line for the next connection that ends after this call. */
  nextEnd(): Promise<LogRecord> {
    return this.waitForLog(({ msg }) => msg === 'connection', this.#records.length)
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.adminPort}/metrics`)).text()
  }

  /** Asks it to end and resolves with its exit code. */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGTERM')
      await exit
    }
    return this.#child.exitCode
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exit = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await exit
    }
    rmSync(this.#dir, { recursive: true, force: true })
  }

  #onLine(line: string): void {
    if (line.startsWith('{')) this.#records.push(JSON.parse(line))
    else this.#stderr += `${line}\n`
    this.#wake()
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve()
    this.#waiting.clear()
  }
}
