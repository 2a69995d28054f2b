import { createFakeTun } from '@reversed-vpn/node-tun/testing'
import type { CreateTunLab } from './tun-lab.js'
import { frameToFarEnd, HOST_PORT, parseFrame } from './udp-frame.js'

/** A fake TUN whose host takes what is for its port. */
export const createFakeLab: CreateTunLab = async (options = {}) => {
  const fake = createFakeTun(options)
  const received: string[] = []
  return {
    device: fake.device,
    async hostSends(family, flow, payload) {
      fake.hostSends(frameToFarEnd(family, flow, payload))
    },
    async hostReceives(count) {
      for (const frame of fake.takeReceived()) {
        const udp = parseFrame(frame)
        if (udp?.destinationPort === HOST_PORT) received.push(udp.payload)
      }
      if (received.length < count) throw new Error(`${received.length} of ${count} packets reached the host`)
      return received.splice(0, count).sort()
    },
    exists: () => fake.exists,
    vanish: () => fake.vanish(),
    async [Symbol.asyncDispose]() {
      fake.device.close()
    },
  }
}
