import '../support/own-namespace.js'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openTun, type TunDevice } from '@reversed-vpn/node-tun'
import { test } from 'tap'
import { interfaceExists, ip } from '../support/linux-lab.js'

const CHILD = fileURLToPath(new URL('../support/open-child.js', import.meta.url))
const UNPRIVILEGED_UID = 65534

/**
 * The error's fields that another user's attempt ends with, or its device's name. The one capability kept gets it past the
 * mode of /dev/net/tun, which is not what is tested.
 */
function openAs(uid: number, name: string): unknown {
  const keep = '-all,+dac_override'
  const user = ['--reuid', String(uid), '--regid', String(uid), '--clear-groups']
  const drop = [...user, '--inh-caps', keep, '--ambient-caps', keep]
  const { stdout, stderr } = spawnSync('setpriv', [...drop, process.execPath, CHILD, name], {
    encoding: 'utf8',
  })
  return stdout === '' ? stderr : JSON.parse(stdout)
}

function tunDescriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === '/dev/net/tun'
    } catch {
      return false
    }
  })
}

test('opens descriptors that no child inherits and no read waits on', async (t) => {
  const device = openTun({ name: 'cloexec0' })
  t.teardown(() => device.close())
  device.openQueue()
  device.openQueue()
  const descriptors = tunDescriptors()
  t.equal(descriptors.length, 2)
  for (const fd of descriptors) {
    const [, flags = ''] = /flags:\s+(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8')) ?? []
    t.equal(Number.parseInt(flags, 8) & 0o2004002, 0o2004002, 'O_CLOEXEC, O_NONBLOCK and O_RDWR')
  }
  const child = spawnSync('ls', ['-l', '/proc/self/fd'], { encoding: 'utf8' })
  t.match(child.stdout, / 0 -> /)
  t.notMatch(child.stdout, /\/dev\/net\/tun/)
})

test('makes the interface at once, hands its first queue out first and closes all', async (t) => {
  const before = tunDescriptors().length
  const device = openTun({ name: 'first%d' })
  t.equal(device.name, 'first0', 'the name that the kernel chose')
  t.match(ip('-d', 'link', 'show', 'first0'), /vnet_hdr on multi_queue numqueues 1 /)
  const first = device.openQueue()
  t.match(ip('-d', 'link', 'show', 'first0'), /numqueues 1 /)
  device.openQueue()
  t.match(ip('-d', 'link', 'show', 'first0'), /numqueues 2 /)
  first.close()
  t.match(ip('-d', 'link', 'show', 'first0'), /numqueues 1 /)
  device.close()
  t.equal(interfaceExists('first0'), false)
  t.equal(tunDescriptors().length, before)
})

test('makes the interface anew, offload included, for a queue after the last', async (t) => {
  const device = openTun({ name: 'again0' })
  t.teardown(() => device.close())
  device.setOffload({ checksum: true, tso4: true, tso6: false })
  device.openQueue().close()
  t.equal(interfaceExists('again0'), false)
  t.throws(() => device.setOffload({ checksum: true, tso4: false, tso6: false }), {
    code: 'EBADF',
  })
  device.openQueue()
  const features = spawnSync('ethtool', ['-k', 'again0'], { encoding: 'utf8' })
  if (features.error === undefined) t.match(features.stdout, /tx-tcp-segmentation: on/)
  t.equal(interfaceExists('again0'), true)
})

test('refuses with the code of the kernel and names the call and the interface', async (t) => {
  const taken = openTun({ name: 'taken0' })
  t.teardown(() => taken.close())
  ip('tuntap', 'add', 'dev', 'single0', 'mode', 'tun')
  t.teardown(() => ip('link', 'delete', 'single0'))
  const refusals: [string, () => TunDevice, string][] = [
    ['EBUSY', () => openTun({ name: 'taken0', exclusive: true }), 'resource busy or locked'],
    ['EINVAL', () => openTun({ name: 'lo' }), 'invalid argument'],
    ['EINVAL', () => openTun({ name: 'single0' }), 'invalid argument'],
    ['EINVAL', () => openTun({ name: 'sl/ash' }), 'invalid argument'],
    ['EINVAL', () => openTun({ name: 'nul\0' }), 'invalid argument'],
    ['ENAMETOOLONG', () => openTun({ name: 'abcdefghijklmnop' }), 'name too long'],
  ]
  const before = tunDescriptors().length
  for (const [code, open, description] of refusals) {
    t.throws(open, { name: 'SyscallError', code, syscall: 'ioctl(TUNSETIFF)' })
    t.throws(open, { message: new RegExp(`^${code}: ${description}, ioctl\\(TUNSETIFF\\) '`) })
  }
  t.equal(tunDescriptors().length, before, 'no descriptor is left behind')
  const longest = openTun({ name: 'abcdefghijklmno' })
  t.equal(longest.name, 'abcdefghijklmno', '15 bytes fit')
  longest.close()
})

test('refuses a user without rights, and takes the owner of a persistent interface', async (t) => {
  const made = openTun({ name: 'owned0' })
  made.setPersistent(true)
  made.setOwner({ uid: UNPRIVILEGED_UID })
  t.teardown(() => ip('link', 'delete', 'owned0'))
  made.close()
  t.match(openAs(UNPRIVILEGED_UID, 'other0'), { code: 'EPERM', errno: -1, syscall: 'ioctl(TUNSETIFF)' })
  t.match(openAs(UNPRIVILEGED_UID - 1, 'owned0'), { code: 'EPERM', errno: -1, syscall: 'ioctl(TUNSETIFF)' })
  t.strictSame(openAs(UNPRIVILEGED_UID, 'owned0'), { name: 'owned0', queues: 2 })
})

test('a persistent interface stays when it is closed and goes when it is told not to', async (t) => {
  const first = openTun({ name: 'stays0' })
  first.setPersistent(true)
  first.setOffload({ checksum: true, tso4: true, tso6: true })
  first.close()
  t.equal(interfaceExists('stays0'), true)
  openTun({ name: 'stays0' }).close()
  t.equal(interfaceExists('stays0'), true, 'left as it is when nothing is said')
  t.throws(() => openTun({ name: 'stays0', exclusive: true }), { code: 'EBUSY' })
  const last = openTun({ name: 'stays0' })
  last.setPersistent(false)
  last.close()
  t.equal(interfaceExists('stays0'), false)
})
