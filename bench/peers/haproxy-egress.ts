import { startHaproxy } from '@reversed-vpn/test/lab'
import { BULK_PORT, WEB_PORT } from '../egress/ports.js'
import { certificateAndKey, HAPROXY_TIMES } from './haproxy-relay.js'
import type { Peer } from './peer.js'

/** The seed's port for each of the pod's: haproxy does not take a CONNECT to any destination. */
const PORTS: ReadonlyMap<number, number> = new Map([
  [WEB_PORT, 9443],
  [BULK_PORT, 9444],
])

/** The reference for the egress proxy: haproxy with the same mutual TLS and the same dial, without a tunnel. */
export const HAPROXY_EGRESS: Peer = {
  name: 'haproxy-egress',
  title: 'haproxy for mTLS, no tunnel',
  supports: ['egress', 'egress-routed'],
  async open(lab, { egressCa, egressServer }) {
    await lab.routeDirectly()
    const { seed, pod1 } = lab.hosts
    const file = await certificateAndKey(lab, 'egress', egressServer)
    const listens = [...PORTS].map(
      ([podPort, seedPort]) => `listen port${podPort}
  bind :${seedPort} ssl crt ${file} ca-file ${egressCa.certFile} verify required ssl-min-ver TLSv1.3 no-tls-tickets
  server pod ${pod1.addresses.ipv4}:${podPort}`,
    )
    const haproxy = await startHaproxy(
      lab,
      seed,
      PORTS.get(WEB_PORT) ?? 0,
      [HAPROXY_TIMES, ...listens].join('\n'),
    )
    return {
      processes: [{ role: 'seed', pid: haproxy.pid }],
      seedDevice: 'wan0',
      egress: {
        address: seed.addresses.ipv4,
        portFor: (podPort) => PORTS.get(podPort) ?? 0,
        takesConnect: false,
      },
    }
  },
}
