import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { LadderStep } from './ladder-step.js'

const PROGRAM = fileURLToPath(new URL('./tun-program.js', import.meta.url))

/** What the program in a network namespace of its own is told. */
export interface TunOrder {
  /** `write`: the kernel takes the packets and drops them, having no route. `back`: it sends each out of the same device, where it is read. */
  readonly manner: 'write' | 'back'
  /** In Base64, with its virtio-net header. */
  readonly frame: string
  /** Packets written, and read, at a time. */
  readonly batch: number
  readonly milliseconds: number
}

/** The real device alone. One operation is one packet. */
export function tunDevice(
  name: string,
  manner: TunOrder['manner'],
  frame: Buffer,
  batch: number,
): LadderStep {
  return {
    name,
    operation: 'packet',
    bytesPerOperation: frame.length,
    async prepare() {
      // The namespace goes with the program, and the program when nobody listens to it any more.
      const program = fork(PROGRAM, { execPath: 'unshare', execArgv: ['--net', process.execPath] })
      const exited = once(program, 'exit')
      await answerOf<'ready'>(program, exited)
      return {
        run: async (milliseconds) => {
          const order: TunOrder = { manner, frame: frame.toString('base64'), batch, milliseconds }
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
