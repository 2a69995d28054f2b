import { explainRefusal } from '@reversed-vpn/host-network/testing'
import { SyscallError } from '@reversed-vpn/node-tun'
import t from 'tap'

const HINT = 'expected CAP_NET_ADMIN'
const explain = (code: string, syscall: string) =>
  explainRefusal('vpn0', new SyscallError(code, -1, syscall, `${syscall}: ${code}`), HINT)

t.test('says whether the device or the interface is refused, and by what', async (t) => {
  for (const [code, syscall, words] of [
    ['EPERM', 'open', /\(EPERM\): the device cgroup denies \/dev\/net\/tun, expected a rule/],
    ['EACCES', 'open', /\(EACCES\): \/dev\/net\/tun may not be opened, expected permission/],
    ['ENOENT', 'open', /\(ENOENT\): there is no \/dev\/net\/tun/],
    ['ENXIO', 'open', /\(ENXIO\): the kernel has no driver/],
    ['ENODEV', 'open', /\(ENODEV\): the kernel has no driver/],
    ['EPERM', 'ioctl(TUNSETIFF)', /\(EPERM\): expected CAP_NET_ADMIN$/],
  ] as const) {
    t.match(explain(code, syscall), { code: 'ERR_TUN_NOT_PERMITTED', message: words }, `${syscall} ${code}`)
  }
})

t.test('leaves what no lack of rights explains as it is', async (t) => {
  for (const [code, syscall] of [
    ['EBUSY', 'ioctl(TUNSETIFF)'],
    ['EMFILE', 'open'],
  ] as const) {
    t.match(explain(code, syscall), { name: 'SyscallError', code, syscall })
  }
})
