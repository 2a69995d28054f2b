import {
  type ConnectGateway,
  type Lab,
  type ShootCertificates,
  startConnectGateway,
  startSeedServer,
  startShootClient,
} from '@reversed-vpn/test/lab'
import type { Peer, PeerProcess } from './peer.js'

const TUN_NAME = 'vpn0'

export const OURS: Peer = {
  name: 'ours',
  title: 'reversed-vpn',
  async open(lab, certificates) {
    return { processes: await startPair(lab, certificates), seedDevice: TUN_NAME }
  },
}

export const OURS_PROXY: Peer = {
  name: 'ours-proxy',
  title: 'reversed-vpn, CONNECT',
  async open(lab, certificates) {
    const gateway = await startConnectGateway(lab)
    const pair = await startPair(lab, certificates, gateway)
    return { processes: [...pair, { role: 'proxy', pid: gateway.process.pid }], seedDevice: TUN_NAME }
  },
}

/** Everything at its default: what a user gets. */
async function startPair(
  lab: Lab,
  certificates: ShootCertificates,
  gateway?: ConnectGateway,
): Promise<PeerProcess[]> {
  const seedServer = await startSeedServer(lab, { certificates })
  const shootClient = await startShootClient(lab, {
    certificates,
    ...(gateway === undefined ? {} : { gateway }),
  })
  await Promise.all([seedServer.waitUntilReady(), shootClient.waitUntilReady()])
  return [
    { role: 'seed', pid: seedServer.pid },
    { role: 'shoot', pid: shootClient.pid },
  ]
}
