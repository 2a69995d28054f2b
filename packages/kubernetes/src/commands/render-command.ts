import { statSync } from 'node:fs'
import { type Command, defineCommand, UsageError } from '@reversed-vpn/daemon'
import { type ManifestSet, manifestSetOf, readManifests } from '../diff/manifest-set.js'
import { readClusterFile } from '../input/cluster-file.js'
import {
  GARDENLET_KINDS,
  type GardenletConfiguration,
  readGardenletConfiguration,
} from '../input/gardenlet-configuration.js'
import { kindOf, readDocuments } from '../input/input-file.js'
import { readShoot, type Shoot } from '../input/shoot.js'
import type { RenderedFile } from '../manifest/manifest.js'
import { seedFiles } from '../seed/seed-files.js'
import { clusterSetting, refuseGardenerOptions } from '../setting/cluster-setting.js'
import type { OptionErrors } from '../setting/option-errors.js'
import { type RenderOptions, renderOptions } from '../setting/render-options.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { resolveSetting } from '../setting/resolve-setting.js'
import { shootFiles } from '../shoot/shoot-files.js'
import { deliver } from './deliver.js'
import type { Output } from './output.js'

/** `reversed-vpn render`: manifests of one shoot. Writes nothing unless all of them can be rendered. */
export function renderCommand(version: string, output: Output): Command {
  return defineCommand({
    name: 'render',
    description: 'Renders the manifests of one shoot, for the seed and for the shoot.',
    options: renderOptions(version),
    async run(options, context) {
      const errors: OptionErrors = {
        optionError: (flag, problem) => context.optionError(flag, problem),
      }
      const { setting, warnings, readBefore } = readInput(options, errors)
      const { output: folder, diffFrom } = options
      const before = diffFrom && readBefore(diffFrom)
      const notes = [...warnings, setting.direction.explanation]
      const reporter = { output, program: context.name }
      await deliver(renderFiles(setting), { output: folder, diffFrom: before }, notes, reporter)
    },
  })
}

/** All that has to be deployed for the tunnel of one shoot, always in the same order. */
function renderFiles(setting: RenderSetting): RenderedFile[] {
  return [...seedFiles(setting), ...shootFiles(setting)]
}

interface Input {
  readonly setting: RenderSetting
  readonly warnings: readonly string[]
  /** What was deployed before: rendered manifests, or an input file, rendered with the same flags. */
  readonly readBefore: (path: string) => ManifestSet
}

function readInput(options: RenderOptions, errors: OptionErrors): Input {
  const { cluster, gardenlet, shoot } = options
  if (cluster !== undefined) {
    refuseGardenerOptions(options, errors)
    const resolve = (path: string) => clusterSetting(options, readClusterFile(path), errors)
    return {
      setting: resolve(cluster),
      warnings: [],
      readBefore: (path) =>
        isClusterFile(path) ? manifestSetOf(renderFiles(resolve(path))) : readManifests(path),
    }
  }
  if (gardenlet === undefined && shoot === undefined)
    throw new UsageError('no input is given, expected --gardenlet and --shoot, or --cluster')
  for (const [flag, path] of Object.entries({ gardenlet, shoot }))
    if (path === undefined) throw errors.optionError(flag, 'is not given, expected a YAML file')
  return readGardenerInput(options, { gardenlet: String(gardenlet), shoot: String(shoot) }, errors)
}

function readGardenerInput(
  options: RenderOptions,
  paths: { readonly gardenlet: string; readonly shoot: string },
  errors: OptionErrors,
): Input {
  const gardenlet = readGardenletConfiguration(paths.gardenlet)
  const shoot = readShoot(paths.shoot, options.nodeNetwork)
  const resolve = (...input: [GardenletConfiguration, Shoot]) => resolveSetting(options, ...input, errors)
  const render = (...input: [GardenletConfiguration, Shoot]) =>
    manifestSetOf(renderFiles(resolve(...input).setting))
  return {
    ...resolve(gardenlet, shoot),
    readBefore(path) {
      if (isFolder(path)) return readManifests(path)
      const kinds = readDocuments(path).map(kindOf)
      if (kinds.includes('Shoot')) return render(gardenlet, readShoot(path, options.nodeNetwork))
      if (kinds.length === 1 && GARDENLET_KINDS.includes(kinds[0]))
        return render(readGardenletConfiguration(path), shoot)
      return readManifests(path)
    },
  }
}

/** Rendered manifests have a kind, a cluster file has none. */
function isClusterFile(path: string): boolean {
  return !isFolder(path) && readDocuments(path).every((document) => kindOf(document) === undefined)
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true
}
