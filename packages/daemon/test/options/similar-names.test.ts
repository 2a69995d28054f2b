import { findSimilarNames } from '@reversed-vpn/daemon/testing'
import t from 'tap'

const NAMES = ['gardenlet', 'config', 'shoot', 'shoot-host', 'api-server-host', 'tls-cert', 'tls-key', 'tun']

t.test('finds the name that an unknown one was probably meant for', async (t) => {
  for (const [given, ...expected] of [
    ['gardenlett', 'gardenlet'],
    ['Gardenlet', 'gardenlet'],
    ['gardenlet-config', 'gardenlet'],
    ['shoot-hosts', 'shoot-host'],
    ['shoot-host-name', 'shoot-host'],
    ['tls-certificate', 'tls-cert'],
    ['api-host', 'api-server-host'],
    ['api-server', 'api-server-host'],
    ['shoo', 'shoot'],
    ['tan'],
    ['server-address-of-the-api'],
    [''],
    ['x'],
  ] as const)
    t.strictSame(findSimilarNames(given, NAMES), expected, given)
})
