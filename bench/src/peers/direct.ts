import type { Peer } from './peer.js'

/** No tunnel: plain routes, with the forwarding and masquerading that the others have. */
export const DIRECT: Peer = {
  name: 'direct',
  title: 'no tunnel',
  async open(lab) {
    await lab.routeDirectly()
    return { processes: [], seedDevice: 'wan0' }
  },
}
