import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readInvocation } from '@reversed-vpn/daemon/testing'
import { seedServer } from '@reversed-vpn/seed-server/testing'
import { shootClient } from '@reversed-vpn/shoot-client/testing'

import t from 'tap'
import { findObject, parseObjects, podTemplates } from './support/kubernetes-object.js'
import { render } from './support/program.js'
import { SHAPES, titleOf } from './support/shoots.js'

const DAEMONS = {
  'vpn-seed-server': seedServer,
  'vpn-shoot': shootClient,
}

for (const shape of SHAPES) {
  t.test(`daemons take the options they are given: ${titleOf(shape)}`, async (t) => {
    const objects = parseObjects(await render(shape.gardenlet, shape.shoot, ...shape.flags))
    const pods = podTemplates(objects).map(({ template }) => template.spec)
    const containers = pods.flatMap(({ containers, initContainers = [] }) => {
      const daemons = containers.filter(({ name }: { name: string }) => name in DAEMONS)
      return [...daemons, ...initContainers.map((setup: object) => ({ ...setup, name: daemons[0].name }))]
    })
    t.equal(containers.length, 4)
    for (const { name, args, volumeMounts } of containers) {
      const program = DAEMONS[name as keyof typeof DAEMONS]
      const { data } = findObject(objects, 'ConfigMap', name)
      const folder = t.testdir(data)
      const here = args.map((arg: string) => arg.replace('/etc/reversed-vpn/', `${folder}/`))
      const isSetup = args[0] === 'setup'
      t.match(readInvocation(program, here, {}), { type: 'run', command: isSetup ? 'setup' : undefined })
      if (isSetup) continue

      const mounted: string[] = volumeMounts.map(({ mountPath }: { mountPath: string }) => mountPath)
      const files = (data['config.yaml'] as string).match(/(?<=: )\/.+$/gm) ?? []
      for (const file of files)
        t.ok(
          mounted.some((path) => file.startsWith(`${path}/`)),
          `${file} is mounted`,
        )
    }
  })
}

t.test('an option that a daemon does not know is found', async (t) => {
  const file = join(t.testdir({}), 'config.yaml')
  writeFileSync(file, 'listen-to: "[::]:1"\n')
  t.throws(
    () => readInvocation(DAEMONS['vpn-seed-server'], ['--config', file], {}),
    /unknown key "listen-to"/,
  )
})
