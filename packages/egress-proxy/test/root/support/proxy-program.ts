// An egress proxy in a process of its own. It starts at the first message, and says how it is at each one after that.
import { makePki, ProxyFixture } from '../../support/proxy-fixture.js'
import type { Listening, ProxyState } from './messages.js'

process.once('message', async () => {
  const pki = makePki()
  const fixture = await ProxyFixture.start(pki)
  const listening: Listening = { port: fixture.port, ca: pki.ca, ...pki.client }
  process.send?.(listening)
  process.on('message', () => {
    const { heldBytes, paused, connections } = fixture.state
    const state: ProxyState = { heldBytes, paused, connections }
    process.send?.(state)
  })
})
