import { type Lab, mustRunCommand } from '@reversed-vpn/test/lab'

/** Nobody in particular. */
export const PLAIN_UID = 65_532
/** The kernel's overflow id, which owns nothing. */
export const NOBODY_UID = 65_534

const OWN_MOUNTS = ['unshare', '--mount', 'sh', '-ec']

/**
 * The beginning of a command that runs what follows as a user without any right, on file systems that nobody may write. The
 * one device it has is the TUN's, open to everyone as udev makes it.
 */
export function asPlainUser(uid = PLAIN_UID): string[] {
  const script = [
    'mount -t tmpfs -o mode=755 tmpfs /dev/net',
    'mknod -m 666 /dev/net/tun c 10 200',
    // Only what is on top at a place can be reached to be remounted; namespaces of others may go meanwhile.
    'cut -d" " -f5 /proc/self/mountinfo | sort -u | while read -r at; do mount -o remount,bind,ro "$at" || [ ! -e "$at" ]; done',
    'exec "$0" "$@"',
  ]
  return [...OWN_MOUNTS, script.join('\n'), 'setpriv', ...asUser(uid), '--bounding-set=-all', ...withCaps('')]
}

/** The beginning of a command that runs what follows as nobody, without any right and without a TUN device. */
export function asNobody(): string[] {
  const script = ['mount -t tmpfs -o mode=755 tmpfs /dev/net', 'exec "$0" "$@"'].join('\n')
  return [...OWN_MOUNTS, script, 'setpriv', ...asUser(NOBODY_UID), '--bounding-set=-all', ...withCaps('')]
}

/** The beginning of a command that runs what follows as root with CAP_NET_ADMIN alone and sysctls that nobody may write. */
export function asNetworkAdmin(): string[] {
  const script = [
    'mount --bind /proc/sys /proc/sys',
    'mount -o remount,bind,ro /proc/sys',
    'exec "$0" "$@"',
  ].join('\n')
  return [...OWN_MOUNTS, script, 'setpriv', '--bounding-set=-all,+net_admin', ...withCaps(',+net_admin')]
}

/** Lets every user read what lies in a lab's directory, keys included: they are good for nothing else. */
export async function openToEveryone({ dir }: Lab): Promise<void> {
  await mustRunCommand('chmod', ['-R', 'a+rX', dir])
}

function asUser(uid: number): string[] {
  return [`--reuid=${uid}`, `--regid=${uid}`, '--clear-groups', '--no-new-privs']
}

function withCaps(kept: string): string[] {
  return [`--inh-caps=-all${kept}`, '--ambient-caps=-all']
}
