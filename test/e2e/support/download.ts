import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { LabProcess } from '@reversed-vpn/test/lab'
import { type NoiseFile, sha256Of } from './files.js'
import type { TunnelLab } from './tunnel-lab.js'

const FIRST_BYTES = 1024 * 1024

interface DownloadOptions {
  /** Over the routes of the seed or through the egress proxy. */
  readonly way: 'routed' | 'proxied'
  readonly url: string
  readonly original: NoiseFile
  /** So that it lasts. */
  readonly bytesPerSecond: number
}

/** A download by curl on the caller that is watched while things happen to the tunnel below it. */
export class Download {
  readonly #program: LabProcess
  readonly #copy: string
  readonly #original: NoiseFile

  /** Resolves when the first MiB has arrived. */
  static async start(stage: TunnelLab, options: DownloadOptions): Promise<Download> {
    const { way, url, original, bytesPerSecond } = options
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

  /** Waits for the end: whether every byte is what it was, or what curl said. */
  async outcome(): Promise<string> {
    const { code } = await this.#program.exited
    if (code !== 0) return `curl ended with ${code} after ${this.bytes} bytes: ${this.#program.tail()}`
    return (await sha256Of(this.#copy)) === this.#original.sha256 ? 'intact' : 'damaged'
  }
}
