import { isDeviceGone, SyscallError } from '@reversed-vpn/node-tun'
import { test } from 'tap'

test('tells an interface that is gone from every other refusal', (t) => {
  const gone = (code: string, syscall: string) => isDeviceGone(new SyscallError(code, -1, syscall, code))
  t.ok(gone('EBADFD', 'read'))
  t.ok(gone('EBADFD', 'ioctl(TUNSETOFFLOAD)'))
  t.ok(gone('EINVAL', 'ioctl(TUNSETQUEUE)'))
  t.notOk(gone('EINVAL', 'ioctl(TUNSETOFFLOAD)'), 'an offload that the kernel does not know')
  t.notOk(gone('EBADF', 'read'), 'closed by us')
  t.notOk(gone('EPERM', 'open'))
  t.notOk(gone('EINVAL', 'setsockopt'))
  t.notOk(isDeviceGone(Object.assign(new Error('x'), { code: 'EBADFD', syscall: 'read' })), 'no system call')
  t.notOk(isDeviceGone(undefined))
  t.end()
})
