import { runTool } from '../kernel/run-tool.js'
import { NetworkError } from '../network-error.js'
import { nftTableName } from '../owned-names.js'

/**
 * The table of that TUN as nft lists it, without counts: the same text as long as nobody changes it. `undefined` when there
 * is none.
 *
 * @throws NetworkError as `runTool`
 */
export async function readFirewall(tun: string): Promise<string | undefined> {
  try {
    return await runTool('nft', ['--stateless', 'list', 'table', 'inet', nftTableName(tun)])
  } catch (error) {
    if (error instanceof NetworkError && /No such file or directory/.test(error.message)) return undefined
    throw error
  }
}
