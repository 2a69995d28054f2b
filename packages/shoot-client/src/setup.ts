import { defineCommand } from '@reversed-vpn/daemon'
import { setUpShootNetwork } from '@reversed-vpn/host-network'
import { describeSetup, ignoredBySetup, resolveLink, runSetup } from '@reversed-vpn/tunnel-daemon'
import { ownPortsOf, SHOOT_CLIENT_OPTIONS, SHOOT_SETUP_OPTIONS } from './options.js'

/** Creates once what needs privileges, so that the shoot-client itself needs none. */
export const setup = defineCommand({
  name: 'setup',
  description: describeSetup('shoot-client'),
  options: SHOOT_SETUP_OPTIONS,
  ignored: ignoredBySetup(SHOOT_CLIENT_OPTIONS, SHOOT_SETUP_OPTIONS),
  run: (options, context) =>
    runSetup(options, context, async (owner) => {
      const { plan } = resolveLink(options, context)
      const { egressInterface } = options
      return setUpShootNetwork({ ...plan, egressInterface, ownPorts: ownPortsOf(options) }, owner)
    }),
})
