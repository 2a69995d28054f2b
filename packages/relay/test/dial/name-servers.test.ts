import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { NameServers } from '@reversed-vpn/relay/testing'
import t, { type Test } from 'tap'

const RCODES = { servfail: 2, nxdomain: 3, notimp: 4, refused: 5 } as const

/** A name server that answers every question so (RFC 1035 §4.1): with an address, or with that code. */
async function startServer(t: Test, answer: keyof typeof RCODES | 'address'): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (question, { port, address }) => {
    const reply = Buffer.from(question)
    const isAddress = answer === 'address'
    reply.writeUInt16BE(0x8180 | (isAddress ? 0 : RCODES[answer]), 2)
    reply.writeUInt16BE(isAddress ? 1 : 0, 6)
    // The extra record of the question is cut off, and with it its count.
    reply.writeUInt16BE(0, 10)
    const head = reply.subarray(0, reply.indexOf(0, 12) + 5)
    const record = Buffer.from('c00c000100010000000000040a010101', 'hex')
    socket.send(isAddress ? Buffer.concat([head, record]) : head, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.teardown(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

for (const answer of ['servfail', 'notimp', 'refused'] as const) {
  t.test(`a name server that answers ${answer} leaves it to the next`, async (t) => {
    const bad = await startServer(t, answer)
    const good = await startServer(t, 'address')
    t.same(await new NameServers([bad, good]).resolve4('name.example'), ['10.1.1.1'])
    t.same(await new NameServers([bad, bad, good]).resolve4('name.example'), ['10.1.1.1'])
    await t.rejects(new NameServers([bad, bad]).resolve4('name.example'), {
      code: `E${answer.toUpperCase()}`,
    })
  })
}

t.test('that there is no such name is the answer of all', async (t) => {
  const servers = [await startServer(t, 'nxdomain'), await startServer(t, 'address')]
  await t.rejects(new NameServers(servers).resolve4('name.example'), { code: 'ENOTFOUND' })
})
