import { REFUSED_REASONS, RESET_REASONS } from '@reversed-vpn/protocol'
import { Gauge, type Registry } from 'prom-client'
import { sampledCounter } from './sampled-counter.js'
import { type StreamCounts, StreamTotals } from './stream-totals.js'

interface StreamMetricsOptions {
  readonly registry: Registry
  /** Of every name: `seed_server_`. */
  readonly prefix: string
  /** Which side this is, and with that in which direction what it sends goes. */
  readonly side: 'seed' | 'shoot'
}

const ENDS = ['finished', ...RESET_REASONS]

/** Registers what is counted of streams. Multiplexers are to be added to what is returned. */
export function createStreamMetrics({ registry, prefix, side }: StreamMetricsOptions): StreamTotals {
  const totals = new StreamTotals()
  const counter = (
    name: string,
    help: string,
    labels: string[],
    sample: (counts: StreamCounts, set: (labels: Record<string, string>, value: number) => void) => void,
  ) => sampledCounter(registry, `${prefix}streams_${name}`, help, labels, (set) => sample(totals.read(), set))
  const gauge = (name: string, help: string, read: (counts: StreamCounts) => number) =>
    new Gauge({
      name: `${prefix}streams_${name}`,
      help,
      registers: [registry],
      collect() {
        this.set(read(totals.read()))
      },
    })
  const [sent, received] = side === 'seed' ? ['toShoot', 'toSeed'] : ['toSeed', 'toShoot']
  counter('opened_total', 'Streams that were opened.', [], ({ opened }, set) => set({}, opened))
  counter('refused_total', 'Streams that were not opened.', ['reason'], ({ refused }, set) => {
    for (const reason of REFUSED_REASONS) set({ reason }, refused.get(reason) ?? 0)
  })
  counter('ended_total', 'Streams that ended.', ['end'], ({ ended }, set) => {
    for (const end of ENDS) set({ end }, ended.get(end) ?? 0)
  })
  counter('bytes_total', 'Bytes of streams, each once.', ['direction'], (counts, set) => {
    set({ direction: sent }, counts.sentBytes)
    set({ direction: received }, counts.receivedBytes)
  })
  counter('resent_frames_total', 'Frames that lost lanes took with them.', [], ({ resentFrames }, set) =>
    set({}, resentFrames),
  )
  gauge('open', 'Streams that are open.', ({ open }) => open)
  gauge(
    'unacknowledged_bytes',
    'Bytes sent that the other side has not acknowledged.',
    ({ keptBytes }) => keptBytes,
  )
  gauge('unread_bytes', 'Bytes that came and that nobody has read.', ({ heldBytes }) => heldBytes)
  return totals
}
