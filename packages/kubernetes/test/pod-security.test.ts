import t from 'tap'
import { findObject, parseObjects, podTemplates } from './support/kubernetes-object.js'
import { podSecurityViolations } from './support/pod-security.js'
import { render } from './support/program.js'
import { SHAPES, titleOf } from './support/shoots.js'

/** Which exception, stated on a pod, covers which violation of the restricted profile. */
const COVERED: Readonly<Record<string, RegExp>> = {
  'setup-container': /^(vpn-)?setup: (may be root|user 0|capability NET_ADMIN)$/,
  'dev-net-tun': /^volume hostPath \/dev\/net\/tun$/,
  'forwarding-sysctl': /^sysctl net\.ipv6\.conf\.all\.forwarding$/,
}
const PREFIX = 'pod-security.reversed-vpn/'

for (const shape of SHAPES) {
  t.test(`pods are restricted but for what they state with its reason: ${titleOf(shape)}`, async (t) => {
    const templates = podTemplates(parseObjects(await render(shape.gardenlet, shape.shoot, ...shape.flags)))
    t.ok(templates.length >= 2)
    for (const pod of templates) {
      const hasSeccompField = !(pod.owner === 'vpn-shoot' && ['old', 'annotated-on'].includes(shape.shoot))
      const annotations: Record<string, string> = pod.template.metadata.annotations ?? {}
      const stated = Object.keys(annotations).filter((key) => key.startsWith(PREFIX))
      const violations = podSecurityViolations(pod, { hasSeccompField })
      const isCovered = (violation: string) =>
        stated.some((key) => COVERED[key.slice(PREFIX.length)]?.test(violation))
      t.same(
        violations.filter((violation) => !isCovered(violation)),
        [],
        `${pod.owner}: nothing unstated`,
      )
      for (const key of stated) {
        const used = violations.some((violation) => COVERED[key.slice(PREFIX.length)]?.test(violation))
        t.ok(used && (annotations[key]?.length ?? 0) > 40, `${pod.owner}: ${key} is needed and has a reason`)
      }
      if (!hasSeccompField)
        t.equal(annotations['seccomp.security.alpha.kubernetes.io/pod'], 'runtime/default')
    }
  })
}

t.test('daemons have a read-only root, no capability, no key in their setup, and limits', async (t) => {
  for (const { template } of podTemplates(parseObjects(await render('gardenlet-on', 'plain')))) {
    for (const container of template.spec.containers.filter(({ image }: { image?: string }) => image)) {
      t.match(container.securityContext, {
        readOnlyRootFilesystem: true,
        runAsUser: 65532,
        capabilities: { drop: ['ALL'] },
      })
      t.same(container.securityContext.capabilities.add, undefined)
      const limit = container.name === 'vpn-seed-server' ? '512Mi' : '300Mi'
      t.equal(container.resources.limits.memory, limit)
    }
    for (const { volumeMounts } of template.spec.initContainers ?? [])
      t.same(
        volumeMounts.map(({ name }: { name: string }) => name),
        ['config', 'dev-net-tun'],
      )
  }
})

t.test('nobody has a token', async (t) => {
  const objects = parseObjects(await render('gardenlet-on', 'plain'))
  const accounts = objects.filter(({ kind }) => kind === 'ServiceAccount')
  t.equal(accounts.length, 2)
  for (const account of accounts) t.equal(account.automountServiceAccountToken, false)
  for (const name of ['vpn-seed-server', 'vpn-shoot']) {
    const { spec } = findObject(objects, 'Deployment', name).spec.template
    t.equal(spec.automountServiceAccountToken, false)
    t.equal(spec.serviceAccountName, name)
  }
})

t.test('--no-pod-sysctls leaves forwarding to the nodes', async (t) => {
  const withSysctls = await render('gardenlet-on', 'dual-stack')
  t.match(withSysctls, /sysctls:/)
  t.notMatch(await render('gardenlet-on', 'dual-stack', '--no-pod-sysctls'), /sysctl/)
  t.notMatch(await render('gardenlet-on', 'plain'), /sysctl/)
})
