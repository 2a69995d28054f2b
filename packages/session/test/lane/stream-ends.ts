import { once } from 'node:events'
import {
  type IncomingStream,
  StreamMultiplexer,
  type TunnelStream,
  WindowBudget,
} from '@reversed-vpn/streams/testing'
import type { StreamPair } from '../fixtures.js'
import { joinLanes } from './lane-rig.js'

/** The multiplexers of a seed side and a shoot side, which sends back what it gets. */
export class StreamEnds implements AsyncDisposable {
  readonly opener: StreamMultiplexer
  readonly acceptor: StreamMultiplexer
  #lanes = 0

  constructor() {
    const common = {
      maxStreams: 100,
      maxOpening: 100,
      holdMs: 600_000,
      nowMs: () => performance.now(),
      after: (ms: number, run: () => void) => {
        const timer = setTimeout(run, ms)
        return () => clearTimeout(timer)
      },
    }
    const budget = () => new WindowBudget(67_108_864)
    this.opener = new StreamMultiplexer({ ...common, role: 'opener', budget: budget() })
    this.acceptor = new StreamMultiplexer({ ...common, role: 'acceptor', budget: budget(), onOpen: echo })
  }

  /** Two lanes over a stream, whose other end is a lane too. */
  join(
    streams: StreamPair,
    ...rest: [handler?: Parameters<typeof joinLanes>[1], timing?: Parameters<typeof joinLanes>[2]]
  ) {
    const number = ++this.#lanes
    const [handler = {}, timing = {}] = rest
    return joinLanes(streams, handler, timing, {
      seed: (lane) => this.opener.addLane(number, lane),
      shoot: (lane) => this.acceptor.addLane(number, lane),
    })
  }

  open(): Promise<TunnelStream> {
    return this.opener.open(
      { host: '10.96.0.1', port: 443, isName: false },
      { signal: new AbortController().signal },
    )
  }

  async [Symbol.asyncDispose]() {
    this.opener.close('shutting-down')
    this.acceptor.close('shutting-down')
  }
}

function echo(incoming: IncomingStream): void {
  const stream = incoming.accept('10.96.0.1')
  stream?.pipe(stream)
}

/** Sends so many bytes, ends, and reads to the end what comes back. @returns whether it is the same */
export async function isEchoed(stream: TunnelStream, bytes: number): Promise<boolean> {
  const sent = Buffer.from(
    Uint8Array.from({ length: bytes }, (_, index) => (index * 167 + (index >> 7)) & 0xff),
  )
  const received: Buffer[] = []
  stream.on('data', (chunk: Buffer) => received.push(chunk))
  stream.end(sent)
  await once(stream, 'end')
  return Buffer.concat(received).equals(sent)
}
