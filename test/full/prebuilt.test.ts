import { fileURLToPath } from 'node:url'
import { mustRunCommand } from '@reversed-vpn/test/lab'
import t from 'tap'

const PACKAGE = fileURLToPath(new URL('../../../packages/node-tun/', import.meta.url))

t.test('an addon for musl needs no library but that', async (t) => {
  const target = `linux-${process.arch}-musl`
  await mustRunCommand(process.execPath, [`${PACKAGE}scripts/build-prebuilt.mjs`, target])
  const { stdout } = await mustRunCommand('readelf', ['--dynamic', `${PACKAGE}prebuilds/${target}/tun.node`])
  // glibc's is called libc.so.6.
  t.strictSame(stdout.match(/(?<=NEEDED.*\[).+(?=\])/g), ['libc.so'])
})
