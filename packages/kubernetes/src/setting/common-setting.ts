import type { InputFile } from '../input/input-file.js'
import type { Family, NETWORK_KINDS, Networks } from '../input/networks.js'
import { chooseTransferNetworks } from './choose-transfer-networks.js'
import type { OptionErrors } from './option-errors.js'
import type { RenderOptions } from './render-options.js'
import type { RenderSetting } from './render-setting.js'

type CommonKey = 'networks' | 'families' | 'transferNetworks' | 'transport' | 'images' | 'hasPodSysctls'

interface Input {
  readonly file: InputFile
  readonly networks: Networks
  readonly families: readonly Family[]
}

/** What does not depend on whether there is Gardener. @throws UsageError naming the flag, or file and path */
export function commonSetting(
  options: RenderOptions,
  input: Input,
  errors: OptionErrors,
): Pick<RenderSetting, CommonKey> {
  const networksOf = (kind: (typeof NETWORK_KINDS)[number]) =>
    input.networks[kind].map(({ cidr }) => cidr.text)
  return {
    networks: { pods: networksOf('pods'), services: networksOf('services'), nodes: networksOf('nodes') },
    families: input.families,
    transferNetworks: chooseTransferNetworks(options.vpnNetwork, input, errors),
    transport: options.transport,
    images: { seedServer: options.imageSeedServer, shootClient: options.imageShootClient },
    hasPodSysctls: options.podSysctls,
  }
}
