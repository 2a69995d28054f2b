import { type DaemonContext, defineCommand } from '@reversed-vpn/daemon'
import { removeSetUpNetwork, type ShootNetworkPlan, setUpShootNetwork } from '@reversed-vpn/host-network'
import { allNetworks, findTransferProblem, transferAddressOf } from '@reversed-vpn/ip'
import { IGNORED_BY_SETUP, SETUP_OPTIONS, type SetupOptions } from './options.js'
import { ownPortsOf } from './own-ports.js'

/** Makes what takes rights to make, once, so that the shoot-client itself needs none. */
export const setup = defineCommand({
  name: 'setup',
  description:
    'Makes interface, addresses, routes and firewall and leaves them, so that the shoot-client needs no capability. Takes all its flags.',
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
  const plan = resolvePlan(options, context)
  const { warnings, isNew } = await setUpShootNetwork(plan, { uid, gid })
  for (const { message, ...fields } of warnings) log.warn(fields, message)
  log.info({ tun, uid, gid, networks: plan.networks }, isNew ? 'set up' : 'set up as before')
}

/** @throws UsageError naming the flag */
function resolvePlan(options: SetupOptions, context: Pick<DaemonContext, 'optionError'>): ShootNetworkPlan {
  const { vpnNetwork, tun, mtu, egressInterface } = options
  const networks = { pod: options.podNetwork, service: options.serviceNetwork, node: options.nodeNetwork }
  if (allNetworks(networks).length === 0) {
    throw context.optionError(
      'pod-network',
      'at least one of --pod-network, --service-network, --node-network is needed: no seed-server has announced any yet',
    )
  }
  const problem = findTransferProblem(vpnNetwork, networks)
  if (problem !== undefined) throw context.optionError('vpn-network', problem)
  return {
    tun,
    mtu,
    seedAddresses: vpnNetwork.map((network) => transferAddressOf(network, 'seed').cidr),
    shootAddresses: vpnNetwork.map((network) => transferAddressOf(network, 'shoot').cidr),
    networks,
    egressInterface,
    ownPorts: ownPortsOf(options),
  }
}
