import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { binOf, LabProcess } from '@reversed-vpn/test/lab'

interface LocalDaemonOptions {
  readonly args: readonly string[]
  /** Where its admin server listens. */
  readonly admin: { readonly host: string; readonly port: number }
  /** The user that it runs as. @default the one of this process */
  readonly uid?: number | undefined
  readonly env?: NodeJS.ProcessEnv
}

interface Page {
  readonly status: number
  readonly body: string
}

const READY_DEADLINE_MS = 60_000
const READY_POLL_MS = 50
const PAGE_DEADLINE_MS = 30_000
const STOP_DEADLINE_MS = 60_000

/** One of the daemons, on this machine as it is: in no network namespace. */
export class LocalDaemon implements AsyncDisposable {
  readonly process: LabProcess
  readonly #admin: LocalDaemonOptions['admin']

  static async start(name: 'seed-server' | 'shoot-client', options: LocalDaemonOptions) {
    const { admin, args, uid, env } = options
    const all = ['--admin-listen', `${admin.host}:${admin.port}`, ...args]
    return new LocalDaemon(await LabProcess.start(binOf(name), all, { uid, env }), admin)
  }

  private constructor(process: LabProcess, admin: LocalDaemonOptions['admin']) {
    this.process = process
    this.#admin = admin
  }

  /** A page of its admin server. */
  async page(path: string): Promise<Page> {
    const url = `http://${this.#admin.host}:${this.#admin.port}${path}`
    const response = await fetch(url, { signal: AbortSignal.timeout(PAGE_DEADLINE_MS) })
    return { status: response.status, body: await response.text() }
  }

  async status(): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse((await this.page('/status')).body)
  }

  /** The value of a metric without labels; undefined where there is none of that name. */
  async metric(name: string): Promise<number | undefined> {
    const line = (await this.page('/metrics')).body.split('\n').find((one) => one.startsWith(`${name} `))
    return line === undefined ? undefined : Number(line.slice(name.length))
  }

  /** @throws Error with its last lines when it ends before, or takes longer than a minute */
  async waitUntilReady(): Promise<Page> {
    const endMs = performance.now() + READY_DEADLINE_MS
    for (;;) {
      // Nobody answers before it listens.
      const page = await this.page('/readyz').catch(() => undefined)
      if (page?.status === 200) return page
      if (!this.process.isRunning || performance.now() > endMs) {
        throw new Error(`a daemon did not become ready; its last lines:\n${this.process.tail()}`)
      }
      await pause(READY_POLL_MS)
    }
  }

  /** A field of proc_pid_status(5), such as `CapEff`. */
  kernelStatus(field: string): string {
    const text = readFileSync(`/proc/${this.process.pid}/status`, 'utf8')
    return new RegExp(`^${field}:\\t(.*)$`, 'm').exec(text)?.[1] ?? ''
  }

  /** @returns its exit code, or the signal that ended it */
  async stop(): Promise<number | NodeJS.Signals | null> {
    const { code, signal } = await this.process.stop('SIGTERM', STOP_DEADLINE_MS)
    return code ?? signal
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}
