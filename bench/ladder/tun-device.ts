import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LadderStep } from './ladder-step.js'

const PROGRAM = fileURLToPath(new URL('./tun-program.js', import.meta.url))

/** An order for the program in a network namespace of its own. */
export interface TunOrder {
  /** `write`: the kernel has no route and drops the packets. `back`: it sends each back through the same device, and it is read. */
  readonly mode: 'write' | 'back'
  /** In Base64, with its virtio-net header. */
  readonly frame: string
  /** Packets written, and read, at a time. */
  readonly batch: number
  readonly milliseconds: number
}

/** The real device alone. One operation is one packet. */
export function tunDevice(name: string, mode: TunOrder['mode'], frame: Buffer, batch: number): LadderStep {
  return {
    name,
    operation: 'packet',
    bytesPerOperation: frame.length,
    async prepare() {
      // The namespace ends with the program, and the program ends with the IPC channel.
      const program = fork(PROGRAM, { execPath: 'unshare', execArgv: ['--net', process.execPath] })
      const exited = once(program, 'exit')
      await answerOf<'ready'>(program, exited)
      return {
        run: async (milliseconds) => {
          const order: TunOrder = { mode, frame: frame.toString('base64'), batch, milliseconds }
          program.send(order)
          return answerOf<number>(program, exited)
        },
        [Symbol.asyncDispose]: async () => {
          program.disconnect()
          await exited
        },
      }
    },
  }
}

async function answerOf<T>(program: ReturnType<typeof fork>, exited: Promise<unknown[]>): Promise<T> {
  const ended = exited.then(([code]) => {
    throw new Error(`the program with the TUN ended with ${code}`)
  })
  const [answer] = await Promise.race([once(program, 'message'), ended])
  return answer
}
