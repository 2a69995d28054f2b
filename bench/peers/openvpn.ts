import { startConnectGateway, startOpenvpnPair } from '@reversed-vpn/test/lab'
import type { Peer } from './peer.js'

/** As Gardener sets it on both sides. */
const QUEUE_ARGS = ['--txqueuelen', '1000']

export const OPENVPN: Peer = {
  name: 'openvpn',
  title: 'OpenVPN',
  async open(lab, certificates) {
    const pair = await startOpenvpnPair(lab, { certificates, extraArgs: QUEUE_ARGS })
    return {
      processes: [
        { role: 'seed', pid: pair.server.pid },
        { role: 'shoot', pid: pair.client.pid },
      ],
      seedDevice: 'ovpn0',
    }
  },
}

export const OPENVPN_PROXY: Peer = {
  name: 'openvpn-proxy',
  title: 'OpenVPN, CONNECT',
  async open(lab, certificates) {
    const gateway = await startConnectGateway(lab)
    const pair = await startOpenvpnPair(lab, { certificates, gateway, extraArgs: QUEUE_ARGS })
    return {
      processes: [
        { role: 'seed', pid: pair.server.pid },
        { role: 'shoot', pid: pair.client.pid },
        { role: 'proxy', pid: gateway.process.pid },
      ],
      seedDevice: 'ovpn0',
    }
  },
}
