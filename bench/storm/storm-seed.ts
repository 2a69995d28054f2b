// The seed side of a storm: the tunnel ports of many seed-servers in one process. It serves up to WELCOME. Prints `listening`.
import { once } from 'node:events'
import { loadTlsMaterial } from '@reversed-vpn/secure'
import { createSessionKeys, type FrameStream, receiveHello, TunnelListener } from '@reversed-vpn/session'
import { NETWORKS, SHOOT_CLIENT_NAME } from '@reversed-vpn/test/lab'
import { readSetting } from './storm-setting.js'

const KEEPALIVE_MS = 5_000
const DEAD_AFTER_MS = 15_000

const { tls: files, ports } = readSetting()
const tls = loadTlsMaterial(files)
for (const port of ports) {
  const { server } = new TunnelListener({
    tls,
    peerName: SHOOT_CLIENT_NAME,
    deadAfterMs: DEAD_AFTER_MS,
    onPeer: welcome,
    // The other side counts its attempts.
    onRefused: () => {},
  })
  server.listen(port)
  await once(server, 'listening')
}
console.log('listening')

async function welcome(frames: FrameStream): Promise<void> {
  await receiveHello(frames)
  const { id: session, token } = createSessionKeys()
  frames.sendControl({
    type: 'WELCOME',
    version: 1,
    session,
    token,
    lane: 0,
    lanesMax: 1,
    mtu: 1500,
    accepts: [],
    addresses: { seed: ['192.168.123.1/24'], shoot: ['192.168.123.2/24'] },
    networks: { pod: [NETWORKS.pod.ipv4], service: [NETWORKS.service.ipv4], node: [NETWORKS.node.ipv4] },
    keepaliveMs: KEEPALIVE_MS,
    deadAfterMs: DEAD_AFTER_MS,
  })
}
