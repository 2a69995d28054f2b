// A kernel without IPv6 (`ipv6.disable=1`): a socket of that family cannot be had. Every port listens all the same.
import { binOf, type Daemon, destinationOf, startSniGateway } from '@reversed-vpn/test/lab'
import t, { type Test } from 'tap'
import { TunnelLab } from './support/tunnel-lab.js'

/** The numbers of the system call `socket` by what Node calls the processor. */
const SOCKET_CALLS: Readonly<Record<string, number>> = { x64: 41, arm64: 198 }
/** Runs its arguments under a filter by which `socket(AF_INET6)` fails with EAFNOSUPPORT. */
const WITHOUT_IPV6 = `
import ctypes, os, struct, sys
AF_INET6, EAFNOSUPPORT, NO_NEW_PRIVS, SECCOMP = 10, 97, 38, 22
code = b''.join(struct.pack('HBBI', *line) for line in [
    (0x20, 0, 0, 0), (0x15, 0, 3, ${SOCKET_CALLS[process.arch]}), (0x20, 0, 0, 16), (0x15, 0, 1, AF_INET6),
    (0x06, 0, 0, 0x00050000 | EAFNOSUPPORT), (0x06, 0, 0, 0x7fff0000)])
lines = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', len(code) // 8, ctypes.addressof(lines)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(SECCOMP, 2, ctypes.byref(program)):
    sys.exit('no filter: ' + os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
`
const wrapped = (name: Parameters<typeof binOf>[0]) => ['python3', '-c', WITHOUT_IPV6, binOf(name)]

const stage = await TunnelLab.create()
t.teardown(() => stage[Symbol.asyncDispose]())
const { lab } = stage

t.test('every port of the seed-server, on [::]', async (t) => {
  const args = ['--websocket-listen', '[::]:8080', '--admin-listen', '[::]:15000', '--listen', '[::]:1194']
  const seed = await stage.startSeed(args, wrapped('seed-server'))
  await seed.waitForLog(({ msg }) => msg === 'started')
  await expectIPv4(t, seed, [1194, 8080, 9443, 15_000])
})

t.test('every port of the sni-gateway, on [::]', async (t) => {
  const { daemon } = await startSniGateway(lab, {
    command: wrapped('sni-gateway'),
    routes: [{ name: 'a', destinations: [destinationOf('shoot--lab')], backend: '192.0.2.10:1194' }],
    args: ['--admin-listen', '[::]:15002'],
  })
  await expectIPv4(t, daemon, [443, 8132, 15_002])
})

async function expectIPv4(t: Test, { host, pid }: Daemon, ports: readonly number[]): Promise<void> {
  const { stdout } = await host.run('ss', ['-Htlnp'])
  const own = stdout.split('\n').filter((line) => line.includes(`pid=${pid},`))
  const bound = own.map((line) => line.trim().split(/\s+/)[3] ?? '').sort()
  t.strictSame(bound, ports.map((port) => `0.0.0.0:${port}`).sort())
}
