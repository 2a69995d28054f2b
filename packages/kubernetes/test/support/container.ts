import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { CLUSTER_FILE } from './cluster.js'
import { findObject, parseObjects } from './kubernetes-object.js'
import { runProgram } from './program.js'

/** A container of ours in a manifest. */
export interface Container {
  readonly name: string
  readonly args: readonly string[]
  readonly env: readonly { readonly name: string; readonly value: string }[]
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

interface ContainerRun {
  readonly deployment: string
  readonly container: string
  readonly bin: 'seed-server' | 'shoot-client'
  /** What runs the program, with its arguments. @default nothing */
  readonly wrapper?: readonly string[]
}

/**
 * Runs a program as the example's manifest says: its arguments, environment and configuration, but without its Secrets, and with
 * the rights that the wrapper leaves. `left` is its termination log.
 */
export async function runContainer(t: Test, { deployment, container, bin, wrapper = [] }: ContainerRun) {
  const objects = parseObjects((await runProgram('render', '--cluster', CLUSTER_FILE)).stdout)
  const { initContainers, containers } = findObject(objects, 'Deployment', deployment).spec.template.spec
  const { args, env } = [...initContainers, ...containers].find(({ name }) => name === container) as Container
  const folder = t.testdir(findObject(objects, 'ConfigMap', deployment).data)
  const log = join(folder, 'termination-log')
  const here = (text: string) =>
    text.replace('/etc/reversed-vpn/', `${folder}/`).replace('/dev/termination-log', log)
  const program = fileURLToPath(new URL(`../../../${bin}/bin/${bin}.js`, import.meta.url))
  const [command = '', ...rest] = [...wrapper, process.execPath, program, ...args.map(here)]
  const { status, stderr } = spawnSync(command, rest, {
    encoding: 'utf8',
    env: {
      PATH: process.env.PATH,
      ...Object.fromEntries(env.map(({ name, value }) => [name, here(value)])),
    },
  })
  return { status, stderr, left: existsSync(log) ? readFileSync(log, 'utf8') : undefined }
}
