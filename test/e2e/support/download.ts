import { existsSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { LabProcess } from '@reversed-vpn/test/lab'
import type { NoiseFile } from './files.js'
import type { TunnelLab } from './tunnel-lab.js'

const MIB = 1024 * 1024
const FIRST_BYTES = MIB
/** What a file must have at least, so that its end does not come before that of a test on a slow machine. */
export const LASTING_BYTES = 128 * MIB
/** More than the caller's socket can have held when the faults were over. */
const LAST_BYTES = 8 * MIB

interface DownloadOptions {
  /** Over the routes of the seed or through the egress proxy. */
  readonly way: 'routed' | 'proxied'
  readonly url: string
  /** Of {@link LASTING_BYTES}. */
  readonly original: NoiseFile
  /** So that it lasts. @default 4 MiB */
  readonly bytesPerSecond?: number
}

/** A download by curl on the caller that is watched while things happen to the tunnel below it. It lasts until it is ended. */
export class Download {
  readonly #program: LabProcess
  readonly #copy: string
  readonly #original: NoiseFile

  /** Resolves when the first MiB has arrived. */
  static async start(stage: TunnelLab, options: DownloadOptions): Promise<Download> {
    const { way, url, original, bytesPerSecond = 4 * MIB } = options
    const copy = join(stage.lab.dir, `download-${way}-${performance.now()}`)
    const { apiserver, egressCa } = stage.certificates
    const proxy = ['--proxytunnel', '--proxy', 'https://seed:9443', '--proxy-cacert', egressCa.certFile]
    const proved = ['--proxy-cert', apiserver.certFile, '--proxy-key', apiserver.keyFile]
    const through = way === 'proxied' ? [...proxy, ...proved] : []
    const args = [
      '-sS',
      '-g',
      '-m',
      '90',
      ...through,
      '--limit-rate',
      String(bytesPerSecond),
      '-o',
      copy,
      url,
    ]
    const program = await stage.hosts.caller.spawn('curl', args)
    const download = new Download(program, copy, original)
    await download.until(FIRST_BYTES)
    return download
  }

  private constructor(program: LabProcess, copy: string, original: NoiseFile) {
    this.#program = program
    this.#copy = copy
    this.#original = original
  }

  /** Arrived so far. */
  get bytes(): number {
    return existsSync(this.#copy) ? statSync(this.#copy).size : 0
  }

  /** Resolves when so many have arrived. */
  async until(bytes: number): Promise<void> {
    const have = () => (this.bytes >= bytes ? true : undefined)
    await this.#program.waitFor(`${bytes} bytes`, have, { everyMs: 10 })
  }

  get isUnderWay(): boolean {
    return this.#program.isRunning && this.bytes < this.#original.bytes
  }

  /** Waits until some MiB more have come, and ends it: whether every byte is what it was, or what curl said. */
  async outcome(): Promise<string> {
    const enough = this.bytes + LAST_BYTES
    const hasGoneOn = () => (this.bytes >= enough || !this.#program.isRunning ? true : undefined)
    await this.#program.waitFor(`${enough} bytes`, hasGoneOn, { everyMs: 10, deadlineMs: 60_000 })
    if (!this.#program.isRunning)
      return `curl ended with ${(await this.#program.exited).code} after ${this.bytes} bytes: ${this.#program.tail()}`
    await this.#program.stop()
    const [copy, original] = await Promise.all(
      [this.#copy, this.#original.path].map((path) => readFile(path)),
    )
    return copy?.equals(original?.subarray(0, copy.length) ?? copy) ? 'intact' : 'damaged'
  }
}
