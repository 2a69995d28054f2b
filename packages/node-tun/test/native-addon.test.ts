import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as NodeTun from '@reversed-vpn/node-tun'
import type * as NodeTunSocket from '@reversed-vpn/node-tun/socket'
import type * as NodeTunTesting from '@reversed-vpn/node-tun/testing'
import { test } from 'tap'
import { copyPackage, type PackageCopy } from './support/package-copy.js'

async function importCopy({
  directory,
}: PackageCopy): Promise<typeof NodeTun & typeof NodeTunSocket & typeof NodeTunTesting> {
  const load = (file: string) => import(pathToFileURL(join(directory, 'dist', file)).href)
  return { ...(await load('index.js')), ...(await load('socket.js')), ...(await load('testing.js')) }
}

test('a package whose addon was never built works but for what needs it', async (t) => {
  using copy = copyPackage()
  const { createFakeTun, getTcpUserTimeoutMs, openTun, TunAddonError } = await importCopy(copy)
  t.equal(createFakeTun().device.name, 'fake0')
  const expected = {
    name: 'TunAddonError',
    code: 'ERR_TUN_ADDON_NOT_BUILT',
    message: 'the TUN addon is not built for this machine: npm run build:native',
  }
  t.throws(() => openTun({ name: 'never0' }), expected)
  t.throws(() => getTcpUserTimeoutMs(0), TunAddonError)
})

test('an addon for another machine is told apart from none by its cause', async (t) => {
  using copy = copyPackage()
  writeForeignAddon(copy.directory)
  const { openTun } = await importCopy(copy)
  t.throws(() => openTun({ name: 'never0' }), {
    code: 'ERR_TUN_ADDON_NOT_BUILT',
    cause: { code: 'ERR_DLOPEN_FAILED' },
  })
})

for (const build of ['no build of its own', 'a build for another machine'] as const) {
  test(`with ${build} the package takes one that was packed`, async (t) => {
    using copy = copyPackage()
    if (build === 'a build for another machine') writeForeignAddon(copy.directory)
    const target = `linux-${process.arch}-glibc`
    const script = join(copy.directory, 'scripts', 'build-prebuilt.mjs')
    const built = spawnSync(process.execPath, [script, target], { cwd: copy.directory, encoding: 'utf8' })
    t.match(built, { status: 0, stdout: `node-tun: built prebuilds/${target}/tun.node\n`, stderr: '' })
    const { getTcpUserTimeoutMs, SyscallError } = await importCopy(copy)
    t.throws(() => getTcpUserTimeoutMs(1_000_000), { constructor: SyscallError, code: 'EBADF' })
  })
}

test('an unknown target, or one without a compiler, is named', async (t) => {
  using copy = copyPackage()
  const script = join(copy.directory, 'scripts', 'build-prebuilt.mjs')
  const build = (target: string) =>
    spawnSync(process.execPath, [script, target], { env: { PATH: '/nowhere' }, encoding: 'utf8' })
  t.match(build('linux-pdp11-glibc'), {
    status: 2,
    stderr: /^node-tun: .*target linux-pdp11-glibc, expected/,
  })
  t.match(build('linux-arm64-glibc'), { status: 2, stderr: /aarch64-linux-gnu-gcc for linux-arm64-glibc\n$/ })
})

test('on another system the error says so', async (t) => {
  using copy = copyPackage()
  const { createFakeTun, openTun } = await importCopy(copy)
  const { platform } = process
  Object.defineProperty(process, 'platform', { value: 'darwin' })
  t.teardown(() => Object.defineProperty(process, 'platform', { value: platform }))
  t.throws(() => openTun({ name: 'never0' }), { name: 'TunAddonError', code: 'ERR_TUN_UNSUPPORTED_PLATFORM' })
  t.equal(createFakeTun().device.openQueue().readBatch(new Uint8Array(70_000), 0, new Uint32Array(1)), 0)
})

function writeForeignAddon(directory: string): void {
  mkdirSync(join(directory, 'build', 'Release'), { recursive: true })
  writeFileSync(join(directory, 'build', 'Release', 'tun.node'), 'not an addon')
}
