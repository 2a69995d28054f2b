import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A port whose backlog is full: a process that listens and never accepts. */
export class SilentPort {
  readonly port: number
  readonly #process: ChildProcess
  readonly #fillers: Socket[]

  private constructor(child: ChildProcess, port: number, fillers: Socket[]) {
    this.#process = child
    this.port = port
    this.#fillers = fillers
  }

  static async open(): Promise<SilentPort> {
    const script = `
      const server = require('node:net').createServer()
      server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
        require('node:fs').writeSync(1, String(server.address().port))
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
      })`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const [chunk] = (await once(child.stdout, 'data')) as [Buffer]
    const port = Number(chunk)
    // A backlog of n takes n + 1 connections.
    const fillers = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
    await Promise.all(fillers.map((filler) => once(filler, 'connect')))
    return new SilentPort(child, port, fillers)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const filler of this.#fillers) filler.on('error', () => {}).destroy()
    this.#process.kill('SIGKILL')
    await once(this.#process, 'close')
  }
}
