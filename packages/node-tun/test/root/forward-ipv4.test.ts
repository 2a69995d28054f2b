import '../support/own-namespace.js'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { forwardIpv4 } from '@reversed-vpn/node-tun'
import { test } from 'tap'

const NOBODY = 65_534

const readForwarding = (device: string) =>
  readFileSync(`/proc/sys/net/ipv4/conf/${device}/forwarding`, 'utf8').trim()

execFileSync('sysctl', ['-qw', 'net.ipv4.ip_forward=0'])
execFileSync('ip', ['link', 'add', 'near0', 'type', 'veth', 'peer', 'name', 'far0'])

test('one interface forwards, and nothing else does', async (t) => {
  t.same(['all', 'default', 'near0', 'far0'].map(readForwarding), ['0', '0', '0', '0'])
  forwardIpv4('near0')
  forwardIpv4('near0')
  t.same(['all', 'default', 'near0', 'far0'].map(readForwarding), ['0', '0', '1', '0'])
})

test('a name that is no interface, and a user without the right, are errors of the kernel', async (t) => {
  for (const name of ['never0', '', 'a-name-that-is-too-long', 'near0\0']) {
    t.throws(
      () => forwardIpv4(name),
      { code: 'ENODEV', syscall: 'netlink(RTM_SETLINK)' },
      JSON.stringify(name),
    )
  }
  // The effective capabilities go with the user.
  process.seteuid?.(NOBODY)
  t.throws(() => forwardIpv4('far0'), { code: 'EPERM' })
  process.seteuid?.(0)
  t.equal(readForwarding('far0'), '0')
})
