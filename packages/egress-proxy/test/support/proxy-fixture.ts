import { EventEmitter, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions } from 'node:tls'
import { EgressProxy } from '@reversed-vpn/egress-proxy'
import type { EgressProxyOptions } from '@reversed-vpn/egress-proxy/testing'
import { CidrSet } from '@reversed-vpn/ip'
import type { TlsMaterial } from '@reversed-vpn/secure'
import { Authority, forgedNames, type Pair } from '@reversed-vpn/secure/testing'
import { RawCaller } from './raw-caller.js'

type TunnelGate = EgressProxyOptions['gate']
type Metrics = EgressProxyOptions['metrics']
type State = ReturnType<Parameters<Metrics['observe']>[0]>

export const CALLER_NAME = 'kube-apiserver-http-proxy-client'

/** A tunnel that goes up and down when the test says so. */
export class TestGate extends EventEmitter implements TunnelGate {
  isUp = true

  async waitUntilUp(signal: AbortSignal): Promise<void> {
    while (!this.isUp) await once(this, 'up', { signal })
  }

  raise(): void {
    this.isUp = true
    this.emit('up')
  }
}

/** One line of the log. */
interface LogLine {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** An egress proxy on a free port and a Unix socket, with all that it tells. `await using` aborts it. */
export class ProxyFixture {
  readonly gate = new TestGate()
  readonly log: LogLine[] = []
  readonly counts = new Map<string, number>()
  readonly bytes = { toShoot: 0, toSeed: 0 }
  readonly proxy: EgressProxy
  readonly unixPath: string
  readonly #events = new EventEmitter()
  readonly #directory = mkdtempSync(join(tmpdir(), 'egress-proxy-'))
  readonly #pki: Pki
  #state: () => State = () => ({
    connections: 0,
    streams: 0,
    held: 0,
    lookups: 0,
    heldBytes: 0,
    paused: 0,
  })

  private constructor(pki: Pki, options: Partial<EgressProxyOptions>) {
    this.#pki = pki
    this.unixPath = join(this.#directory, 'egress.sock')
    this.proxy = new EgressProxy({
      endpoints: [
        { type: 'tcp', host: '127.0.0.1', port: 0 },
        { type: 'unix', path: this.unixPath },
      ],
      tls: materialOf(pki),
      authorizeCaller: (socket) =>
        socket.authorized
          ? { ok: true, name: String(socket.getPeerCertificate().subject.CN) }
          : { ok: false, reason: 'wrong-ca', detail: String(socket.authorizationError) },
      gate: this.gate,
      networks: LOOPBACK_ALLOWED,
      transfer: { ipv4: '127.0.0.1', ipv6: '::1' },
      logger: this.#createLogger(),
      metrics: this.#createMetrics(),
      holdMs: 20_000,
      holdMax: 1000,
      ...options,
    })
  }

  static async start(pki: Pki, options: Partial<EgressProxyOptions> = {}): Promise<ProxyFixture> {
    const fixture = new ProxyFixture(pki, options)
    await fixture.proxy.listen()
    return fixture
  }

  get port(): number {
    const [endpoint] = this.proxy.endpoints
    return endpoint?.type === 'tcp' ? endpoint.port : 0
  }

  get state(): State {
    return this.#state()
  }

  get accessLines(): Record<string, unknown>[] {
    return this.log.filter((line) => line.message === 'egress request').map((line) => line.fields)
  }

  /** The next `count` lines of the access log that `accessLines` does not have yet; earlier ones count from `from`. */
  async accessLine(index = 0): Promise<Record<string, unknown>> {
    for (;;) {
      const line = this.accessLines[index]
      if (line) return line
      await once(this.#events, 'told')
    }
  }

  /** Resolves as soon as `condition` holds; looked at whenever the proxy counts, logs, or the loop turns. */
  async until(condition: (fixture: ProxyFixture) => boolean): Promise<void> {
    while (!condition(this)) await new Promise((resolve) => setImmediate(resolve))
  }

  callTls(options: ConnectionOptions = {}): Promise<RawCaller> {
    const { ca, client } = this.#pki
    return RawCaller.overTls({ port: this.port, ca, ...client, servername: 'proxy.test', ...options })
  }

  callUnix(): Promise<RawCaller> {
    return RawCaller.overUnix(this.unixPath)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.proxy[Symbol.asyncDispose]()
    rmSync(this.#directory, { recursive: true })
  }

  #createLogger(): EgressProxyOptions['logger'] {
    const at = (level: string) => (fields: object, message: string) => {
      this.log.push({ level, message, fields: fields as Record<string, unknown> })
      this.#events.emit('told')
    }
    const logger = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
    return logger as unknown as EgressProxyOptions['logger']
  }

  #createMetrics(): Metrics {
    const count = (name: string) => {
      this.counts.set(name, (this.counts.get(name) ?? 0) + 1)
    }
    return {
      requestAnswered: (outcome) => count(outcome),
      callerRefused: (reason) => count(`refused ${reason}`),
      connectionFailed: (failure) => count(`failed ${failure}`),
      held: () => count('held'),
      dialled: () => count('dialled'),
      bytesForwarded: (direction, bytes) => {
        this.bytes[direction] += bytes
      },
      observe: (state) => {
        this.#state = state
      },
    }
  }
}

export const LOOPBACK_ALLOWED: EgressProxyOptions['networks'] = {
  allowed: CidrSet.of(['127.0.0.0/8', '::1/128']),
  refused: CidrSet.of(['127.66.0.0/16']),
}

interface Pki {
  readonly ca: string
  readonly server: Pair
  readonly client: Pair
  readonly stranger: Pair
  readonly forged: readonly Pair[]
}

/** The certificates of one test file. `stranger` is of another authority, with the right name; in `forged` ones it hides. */
export function makePki(): Pki {
  const directory = mkdtempSync(join(tmpdir(), 'egress-test-'))
  try {
    const authority = new Authority(directory, 'test-ca')
    const stranger = new Authority(directory, 'other-ca').issue(CALLER_NAME)
    const forgeries = Object.values(forgedNames('someone-else', { pem: stranger.cert, name: CALLER_NAME }))
    return {
      ca: authority.ca,
      server: authority.issue('proxy.test'),
      client: authority.issue(CALLER_NAME),
      stranger,
      forged: forgeries.map((extensions) => authority.issue('someone-else', extensions)),
    }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** What the proxy shows, and whom it trusts. */
export function materialOf({ server, ca }: Pki): TlsMaterial {
  return { ...server, ca, certificates: [] }
}
