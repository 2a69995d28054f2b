// A daemon that misses what its pod should have given it says so, and names the line of the manifest, in its termination log.
import t from 'tap'
import { type Container, runContainer } from './support/container.js'
import { parseObjects, podTemplates } from './support/kubernetes-object.js'
import { render } from './support/program.js'
import { SHAPES, titleOf } from './support/shoots.js'

for (const shape of SHAPES) {
  t.test(`every container of ours knows where its volumes come from: ${titleOf(shape)}`, async (t) => {
    const objects = parseObjects(await render(shape.gardenlet, shape.shoot, ...shape.flags))
    for (const { template } of podTemplates(objects)) {
      const { containers, initContainers = [], volumes } = template.spec
      const ours: Container[] = [...initContainers, ...containers].filter(({ image }) => image !== undefined)
      for (const { name, env, volumeMounts } of ours) {
        const value = (suffix: string) => env.find((one) => one.name.endsWith(suffix))?.value ?? ''
        t.equal(value('_TERMINATION_LOG'), '/dev/termination-log', name)
        const hints = value('_ERROR_HINT')
        for (const { name: volume, mountPath } of volumeMounts) {
          const { secret } = volumes.find((one: { name: string }) => one.name === volume)
          if (secret) t.match(hints, `${mountPath}/=that folder is the Secret ${secret.secretName} `)
        }
        t.match(hints, "/dev/net/tun=the node's /dev/net/tun (hostPath, type CharDevice)")
      }
    }
  })
}

for (const [deployment, bin, flag, name] of [
  ['vpn-seed-server', 'seed-server', 'egress-tls', 'vpn-seed-server-egress-tls'],
  ['vpn-shoot', 'shoot-client', 'tls', 'vpn-shoot-tls'],
] as const) {
  t.test(`${bin} with what ${deployment} gives it, but without the Secret, leaves one line`, async (t) => {
    const { status, stderr, left } = await runContainer(t, { deployment, bin, container: deployment })
    const file = `/etc/reversed-vpn-${flag}/tls.crt`
    t.equal(status, 2, stderr)
    t.ok(stderr.startsWith(`${bin}: --${flag}-cert "${file}" `), stderr)
    t.ok(
      stderr.endsWith(
        `: cannot read certificate ${file}: ENOENT; that folder is the Secret ${name} with tls.crt, tls.key and ca.crt, ` +
          `by the volume ${flag} and a volumeMount of that name in this container\n`,
      ),
      stderr,
    )
    t.equal(`${left}\n`, stderr, 'and in the termination log')
  })
}
