import '../support/own-namespace.js'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { openTun } from '@reversed-vpn/node-tun'
import { NO_OFFLOAD, type TunOffload } from '@reversed-vpn/node-tun/testing'
import { test } from 'tap'
import { type HairpinCounts, startHairpin } from '../support/hairpin.js'
import { bringUp } from '../support/linux-lab.js'
import { FAR_ADDRESS, type Family, HOST_ADDRESS } from '../support/udp-frame.js'

const TRANSFER_BYTES = 1 << 20
const GSO_TYPE = { 4: 1, 6: 4 } as const

/** The host sends itself a transfer through the TUN; the bytes that arrived, once both ends have closed. */
async function transferThrough(address: string, farAddress: string): Promise<Buffer> {
  const server = createServer((socket) => socket.end(Buffer.alloc(TRANSFER_BYTES, 0x5a)))
  server.listen(0, address)
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, farAddress)
  const closed = once(socket, 'close')
  const bytes = await buffer(socket)
  const serverClosed = once(server, 'close')
  server.close()
  await Promise.all([closed, serverClosed])
  return bytes
}

/** One TCP transfer through a TUN with this offload; the counts of what passed. */
async function transfer(
  family: Family,
  offload: TunOffload,
): Promise<{ bytes: Buffer; counts: HairpinCounts }> {
  const device = openTun({ name: 'offload0', exclusive: true })
  try {
    device.setOffload(offload)
    bringUp(device.name)
    const counts = startHairpin(device.openQueue())
    return { bytes: await transferThrough(HOST_ADDRESS[family], FAR_ADDRESS[family]), counts }
  } finally {
    device.close()
  }
}

for (const family of [4, 6] as const) {
  test(`TCP over IPv${family} comes in GSO packets when the offload is set`, async (t) => {
    const { bytes, counts } = await transfer(family, { checksum: true, tso4: true, tso6: true })
    t.ok(bytes.equals(Buffer.alloc(TRANSFER_BYTES, 0x5a)), 'arrived whole')
    t.ok(counts.longestFrameBytes > 1510, `${counts.longestFrameBytes} bytes`)
    t.ok((counts.gsoTypes.get(GSO_TYPE[family]) ?? 0) > 0, 'with the gso_type of its family')
    t.equal(counts.refused, 0)
  })

  test(`TCP over IPv${family} comes in packets of the MTU when it is not`, async (t) => {
    const { bytes, counts } = await transfer(family, NO_OFFLOAD)
    t.ok(bytes.equals(Buffer.alloc(TRANSFER_BYTES, 0x5a)), 'arrived whole')
    t.equal(counts.longestFrameBytes, 1510)
    t.strictSame([...counts.gsoTypes.keys()], [0])
    t.equal(counts.refused, 0)
  })
}

test('an interface that was left with an offload is opened without', async (t) => {
  const before = openTun({ name: 'offload0' })
  before.setPersistent(true)
  before.setOffload({ checksum: true, tso4: true, tso6: true })
  before.close()
  const after = openTun({ name: 'offload0' })
  after.setPersistent(false)
  t.teardown(() => after.close())
  bringUp(after.name)
  const counts = startHairpin(after.openQueue())
  await transferThrough(HOST_ADDRESS[4], FAR_ADDRESS[4])
  t.strictSame([...counts.gsoTypes.keys()], [0])
})
