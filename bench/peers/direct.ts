import type { Peer } from './peer.js'

/** No tunnel: plain routes, with the same forwarding and masquerading as the others. */
export const DIRECT: Peer = {
  name: 'direct',
  title: 'no tunnel',
  async open(lab) {
    await lab.routeDirectly()
    return { processes: [], seedDevice: 'wan0' }
  },
}
