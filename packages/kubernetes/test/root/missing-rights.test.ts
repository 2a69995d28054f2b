// What `setup` of a pod says that was not given the device or the capability, in a network of its own.
import t from 'tap'
import { runContainer } from '../support/container.js'

for (const [what, wrapper, says] of [
  [
    'NET_ADMIN',
    ['unshare', '--net', 'setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin'],
    'interface vpn0 may not be opened by uid 0 (EPERM): expected CAP_NET_ADMIN; ' +
      'this container gets it by securityContext.capabilities.add, NET_ADMIN',
  ],
  [
    '/dev/net/tun',
    ['unshare', '--net', '--mount', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'],
    'interface vpn0 may not be opened by uid 0 (ENOENT): there is no /dev/net/tun, expected the device (c 10:200); ' +
      "the node's /dev/net/tun (hostPath, type CharDevice) comes by the volume dev-net-tun " +
      'and a volumeMount of that name in this container',
  ],
] as const) {
  for (const [deployment, bin] of [
    ['vpn-seed-server', 'seed-server'],
    ['vpn-shoot', 'shoot-client'],
  ] as const) {
    t.test(`setup of ${deployment} without ${what} says which line of the manifest gives it`, async (t) => {
      const outcome = await runContainer(t, { deployment, bin, container: 'setup', wrapper })
      t.same(outcome, { status: 1, stderr: `${bin}: ${says}\n`, left: `${bin}: ${says}` })
    })
  }
}
