import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import { LabError } from '../hosts/lab-error.js'
import type { LabProcess } from '../hosts/lab-process.js'

interface PrometheusOptions {
  readonly host: Host
  /** Admin servers to read, as `HOST:PORT`. */
  readonly targets: readonly string[]
  /** Files with rules. @default none */
  readonly ruleFiles?: readonly string[]
}

/** One series of an instant query. */
interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface RuleState {
  readonly name: string
  /** `ok`, or `err` and the reason in `lastError`. */
  readonly health: string
  readonly lastError?: string
  readonly state: string
}

const PORT = 9090
const INTERVAL = '1s'
const POLL_MS = 100
const DEADLINE_MS = 60_000

/** A Prometheus that reads its targets and judges its rules once a second. */
class Prometheus implements AsyncDisposable {
  readonly #host: Host
  readonly #process: LabProcess
  readonly #targets: number

  constructor(host: Host, process: LabProcess, targets: number) {
    this.#targets = targets
    this.#host = host
    this.#process = process
  }

  /** @throws LabError when it does not take the expression, with its reason */
  async query(expression: string): Promise<Sample[]> {
    const [samples = []] = await this.queryAll([expression])
    return samples
  }

  /** What each expression comes to, in their order. @throws LabError when it does not take one of them, with its reason */
  async queryAll(expressions: readonly string[]): Promise<Sample[][]> {
    const answers = await this.#get(expressions.map((one) => `query?query=${encodeURIComponent(one)}`))
    return answers.map((answer) => {
      const { result } = answer as { result: { metric: Record<string, string>; value: [number, string] }[] }
      return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    })
  }

  async rules(): Promise<RuleState[]> {
    const [answer] = await this.#get(['rules'])
    const { groups } = answer as { groups: { rules: RuleState[] }[] }
    return groups.flatMap(({ rules }) => rules)
  }

  /** Waits until every target was asked once more, whether it answers or not. @throws LabError ERR_LAB_DEADLINE */
  async scrapedAgain(): Promise<void> {
    const beganSeconds = Date.now() / 1000
    await this.#until('every target was read', async () => {
      const reads = await this.query('timestamp(up)')
      return reads.filter(({ value }) => value > beganSeconds).length === this.#targets
    })
  }

  /** Waits until a rule is `inactive`, `pending` or `firing`. @throws LabError ERR_LAB_DEADLINE */
  async untilRuleIs(name: string, state: string): Promise<void> {
    await this.#until(`${name} is ${state}`, async () =>
      (await this.rules()).some((rule) => rule.name === name && rule.state === state),
    )
  }

  async #until(what: string, look: () => Promise<boolean>): Promise<void> {
    const endMs = performance.now() + DEADLINE_MS
    while (!(await look())) {
      if (performance.now() > endMs)
        throw new LabError(
          'ERR_LAB_DEADLINE',
          `not within ${DEADLINE_MS} ms: ${what}\n${this.#process.tail(5)}`,
        )
      await pause(POLL_MS)
    }
  }

  async #get(paths: readonly string[]): Promise<unknown[]> {
    const urls = paths.map((path) => `http://127.0.0.1:${PORT}/api/v1/${path}`)
    const { stdout } = await this.#host.mustRun('curl', ['-sS', '-m', '30', '-w', '\\n', '-g', ...urls])
    return stdout
      .trimEnd()
      .split('\n')
      .map((line, index) => {
        const answer = JSON.parse(line) as { status: string; error?: string; data: unknown }
        if (answer.status === 'success') return answer.data
        const asked = decodeURIComponent(paths[index] ?? '')
        throw new LabError('ERR_LAB_COMMAND', `Prometheus refuses ${asked}: ${answer.error}`)
      })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process.stop()
  }
}

/** Starts Prometheus. Resolves when it takes queries. */
export async function startPrometheus(lab: Lab, options: PrometheusOptions): Promise<Prometheus> {
  const { host, targets, ruleFiles = [] } = options
  const dir = join(lab.dir, `prometheus-${host.name}`)
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'prometheus.yaml')
  // JSON is YAML.
  const config = {
    global: { scrape_interval: INTERVAL, scrape_timeout: INTERVAL, evaluation_interval: INTERVAL },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: 'reversed-vpn', static_configs: [{ targets }] }],
  }
  await writeFile(file, JSON.stringify(config))
  const prometheus = await host.spawn('prometheus', [
    `--config.file=${file}`,
    `--storage.tsdb.path=${join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${PORT}`,
  ])
  await prometheus.waitForLine(/Server is ready to receive web requests/)
  return new Prometheus(host, prometheus, targets.length)
}
