import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Daemon, type Lab, mustRunCommand } from '@reversed-vpn/test/lab'

const TABLE = ['inet', 'reversed_vpn_vpn0']

/**
 * Takes away the firewall of a daemon that does not notice, as on the machine of an attacker: its `nft` goes on listing what was
 * there. What it counts is not seen in its metrics any more.
 */
export async function removeFirewall({ dir }: Lab, { host, pid }: Daemon): Promise<void> {
  const { stdout } = await host.mustRun('nft', ['--stateless', 'list', 'table', ...TABLE])
  const [program, listing] = [join(dir, `nft-${pid}`), join(dir, `nft-${pid}.txt`)]
  await writeFile(listing, stdout)
  await writeFile(program, `#!/bin/sh\ncase "$*" in *list*) exec cat ${listing} ;; esac\n`)
  await chmod(program, 0o755)
  const { stdout: nft } = await host.mustRun('sh', ['-c', 'realpath "$(command -v nft)"'])
  // A daemon of the lab has a view of the file system of its own (ip-netns(8)).
  await mustRunCommand('nsenter', ['-t', String(pid), '-m', 'mount', '--bind', program, nft.trim()])
  await host.nft(`delete table ${TABLE.join(' ')}\n`)
}
