import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustRunCommand } from './run-command.js'

/** What Debian's qemu-user-static would have registered: `:name:M:offset:magic:mask:interpreter:flags`, F among the flags. */
const REGISTRATION = '/usr/lib/binfmt.d/qemu-aarch64.conf'

/**
 * Has the kernel start programs for arm64 with qemu, in chroots and containers too, until the lab is gone. That goes for the whole
 * machine, but by an entry of the lab's own: those that others have registered stay, and do not matter.
 */
export async function emulateArm64({ id }: { readonly id: string }): Promise<void> {
  const dir = emulationDir(id)
  mkdirSync(dir)
  await mustRunCommand('mount', ['-t', 'binfmt_misc', 'binfmt_misc', dir])
  const [, , ...fields] = readFileSync(REGISTRATION, 'utf8').trim().split(':')
  writeFileSync(join(dir, 'register'), ['', id, ...fields].join(':'))
}

/** Takes away what `emulateArm64` did for a lab, if it did. Synchronous, as `destroyLab` is. */
export function endEmulation(labId: string): void {
  const dir = emulationDir(labId)
  const entry = join(dir, labId)
  if (existsSync(entry)) writeFileSync(entry, '-1')
  if (existsSync(dir)) spawnSync('umount', [dir])
}

/** Where a lab sees the kernel's entries (`binfmt_misc`), each a file. */
export function emulationDir(labId: string): string {
  return join(tmpdir(), labId, 'emulation')
}
