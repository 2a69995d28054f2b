import { type DaemonContext, defineCommand } from '@reversed-vpn/daemon'
import { removeSetUpNetwork, setUpSeedNetwork } from '@reversed-vpn/host-network'
import { resolveNetworks } from './network-setting.js'
import { IGNORED_BY_SETUP, SETUP_OPTIONS, type SetupOptions } from './options.js'

/** Makes what takes rights to make, once, so that the seed-server itself needs none. */
export const setup = defineCommand({
  name: 'setup',
  description:
    'Makes interface, addresses, routes and firewall and leaves them, so that the seed-server needs no capability. Takes all its flags.',
  options: SETUP_OPTIONS,
  ignored: IGNORED_BY_SETUP,
  run: runSetup,
})

async function runSetup(options: SetupOptions, context: DaemonContext): Promise<void> {
  const { tun, uid, gid, undo } = options
  const { log } = context
  if (undo) {
    await removeSetUpNetwork(tun)
    log.info({ tun }, 'set-up taken away')
    return
  }
  if (uid === undefined) throw context.optionError('uid', 'is not given, expected a user id, or --undo')
  const { plan } = resolveNetworks(options, context)
  const { warnings, isNew } = await setUpSeedNetwork(plan, { uid, gid })
  for (const { message, ...fields } of warnings) log.warn(fields, message)
  log.info({ tun, uid, gid, networks: plan.networks }, isNew ? 'set up' : 'set up as before')
}
