import { defineCommand } from '@reversed-vpn/daemon'
import { setUpSeedNetwork } from '@reversed-vpn/host-network'
import { describeSetup, ignoredBySetup, runSetup } from '@reversed-vpn/tunnel-daemon'
import { resolveAnnouncedLink } from './announced-link.js'
import { SEED_SERVER_OPTIONS, SEED_SETUP_OPTIONS } from './options.js'

/** Creates once what needs privileges, so that the seed-server itself needs none. */
export const setup = defineCommand({
  name: 'setup',
  description: describeSetup('seed-server'),
  options: SEED_SETUP_OPTIONS,
  ignored: ignoredBySetup(SEED_SERVER_OPTIONS, SEED_SETUP_OPTIONS),
  run: (options, context) =>
    runSetup(options, context, async (owner) =>
      setUpSeedNetwork(resolveAnnouncedLink(options, context).plan, owner),
    ),
})
