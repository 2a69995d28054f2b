import { Duplex } from 'node:stream'
import type { DialledTarget, TargetDialler, TargetRequest } from '@reversed-vpn/egress-proxy'
import { chooseDialler } from '@reversed-vpn/seed-server/testing'
import t from 'tap'

class Opened extends Duplex {
  readonly address = '100.96.0.10'
  override _read(): void {}
}

/** A TUN and a shoot side whose dials are noted. */
function createCarriers(takesStreams: boolean) {
  const dialled: string[] = []
  const tun: TargetDialler = {
    resolve: async () => ['100.96.0.10'],
    dial: async () => {
      dialled.push('tun')
      return { address: '100.96.0.10' } as DialledTarget
    },
  }
  const open = async () => {
    dialled.push('stream')
    return new Opened()
  }
  return { tun, dialled, opener: () => (takesStreams ? { open } : undefined) }
}

const { signal } = new AbortController()

function requestFor(addresses: readonly string[] | undefined): TargetRequest {
  return { host: 'node-1', port: 10250, addresses, timeoutMs: 600_000, signal }
}

t.test('a stream is taken wherever the shoot side takes streams, the TUN where it does not', async (t) => {
  for (const [takesStreams, carrier] of [
    [true, 'stream'],
    [false, 'tun'],
  ] as const) {
    const { tun, dialled, opener } = createCarriers(takesStreams)
    const dialler = chooseDialler(tun, { hasPackets: true, resolve: 'seed', opener })
    t.strictSame(await dialler.resolve('node-1', signal), ['100.96.0.10'])
    await dialler.dial(requestFor(['100.96.0.10']))
    t.strictSame(dialled, [carrier])
  }
})

t.test('where there is no TUN nothing is dialled while there are no streams', async (t) => {
  const { tun, dialled, opener } = createCarriers(false)
  const dialler = chooseDialler(tun, { hasPackets: false, resolve: 'seed', opener })
  await t.rejects(dialler.dial(requestFor(['100.96.0.10'])), { message: /^tunnel down/ })
  t.strictSame(dialled, [])
})

t.test(
  'a name that is left to the shoot side is not dialled by the TUN, which needs an address',
  async (t) => {
    const { tun, dialled, opener } = createCarriers(false)
    const dialler = chooseDialler(tun, { hasPackets: true, resolve: 'shoot', opener })
    t.equal(await dialler.resolve('node-1', signal), undefined)
    await t.rejects(dialler.dial(requestFor(undefined)), { message: /^tunnel down/ })
    await dialler.dial(requestFor(['100.96.0.10']))
    t.strictSame(dialled, ['tun'], 'an address is')
  },
)
