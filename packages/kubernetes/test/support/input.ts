import { join } from 'node:path'
import type { Test } from 'tap'
import { type Outcome, readTestFile, runProgram } from './program.js'

interface RenderInput {
  readonly shoot?: string
  readonly gardenlet?: string
  readonly flags?: readonly string[]
}

/** Renders texts, by default a plain shoot that dials. */
export function renderInput(
  t: Test,
  {
    shoot = readTestFile('input/plain.yaml'),
    gardenlet = readTestFile('input/gardenlet-on.yaml'),
    flags = [],
  }: RenderInput,
): Promise<Outcome> {
  const folder = t.testdir({ 'shoot.yaml': shoot, 'gardenlet.yaml': gardenlet })
  const files = ['--shoot', join(folder, 'shoot.yaml'), '--gardenlet', join(folder, 'gardenlet.yaml')]
  return runProgram('render', ...files, ...flags)
}

/** A Shoot as its owner writes it, with a pool of workers. */
export function shootOf(parts: {
  readonly name?: string
  readonly networking?: object
  readonly spec?: object
  readonly status?: object
}): string {
  const { name = 'one', networking, spec = {}, status } = parts
  // JSON is YAML.
  return JSON.stringify({
    apiVersion: 'core.gardener.cloud/v1beta1',
    kind: 'Shoot',
    metadata: { name, namespace: 'garden-core' },
    spec: {
      dns: { domain: `${name}.core.example` },
      kubernetes: { version: '1.33.1' },
      provider: { type: 'some', workers: [{ name: 'pool', minimum: 1 }] },
      networking,
      ...spec,
    },
    status,
  })
}
