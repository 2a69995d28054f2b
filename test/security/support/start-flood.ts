import { fileURLToPath } from 'node:url'
import type { Host, LabProcess } from '@reversed-vpn/test/lab'

export interface FloodPlan {
  readonly host: string
  readonly port: number
  readonly connections: number
  /** Says nothing, says one byte now and then, says what means nothing, or says {@link speech}. */
  readonly kind: 'idle' | 'slow' | 'garbage' | 'speech'
  /** What is said at once, in Latin-1, without waiting for any answer. */
  readonly speech?: {
    readonly begin: string
    readonly repeated: string
    readonly times: number
    /** Whether the rest waits for an answer to `begin`. */
    readonly isPatient?: boolean
    /** Whether answers are read. */
    readonly isReading: boolean
  }
  /** Files of a client's certificate: it speaks TLS then. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string } | undefined
  /** How long after one was closed it is made again. @default never */
  readonly comesAgainAfterMs?: number
}

export interface FloodReport {
  readonly made: number
  /** By the other end. */
  readonly closed: number
}

const PROGRAM = fileURLToPath(new URL('./flood.js', import.meta.url))
const STANDING_DEADLINE_MS = 60_000

/** Connections from one host that come to nothing. Ended with the lab, or by {@link Flood.end}. */
export class Flood {
  readonly #program: LabProcess

  /** Resolves when all have been made once. */
  static async start(from: Host, plan: FloodPlan): Promise<Flood> {
    const program = await from.spawn(process.execPath, [PROGRAM, JSON.stringify(plan)])
    await program.waitForLine(/^standing$/, { deadlineMs: STANDING_DEADLINE_MS })
    return new Flood(program)
  }

  private constructor(program: LabProcess) {
    this.#program = program
  }

  /** Waits until the other end has closed that many. @throws LabError when it does not */
  async untilClosed(count: number): Promise<void> {
    await this.#program.waitForLine(new RegExp(`^closed ${count}$`))
  }

  async end(): Promise<FloodReport> {
    await this.#program.stop()
    return JSON.parse(this.#program.stdout.at(-1) ?? '') as FloodReport
  }
}
