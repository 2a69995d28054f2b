import { statSync } from 'node:fs'
import { type Command, defineCommand } from '@reversed-vpn/daemon'
import { type ManifestSet, manifestSetOf, readManifests } from '../diff/manifest-set.js'
import {
  GARDENLET_KINDS,
  type GardenletConfiguration,
  readGardenletConfiguration,
} from '../input/gardenlet-configuration.js'
import { kindOf, readDocuments } from '../input/input-file.js'
import { readShoot, type Shoot } from '../input/shoot.js'
import type { RenderedFile } from '../manifest/manifest.js'
import { seedFiles } from '../seed/seed-files.js'
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
      const gardenlet = readGardenletConfiguration(options.gardenlet)
      const shoot = readShoot(options.shoot, options.nodeNetwork)
      const { setting, warnings } = resolveSetting(options, gardenlet, shoot, errors)
      const { output: folder, diffFrom } = options
      const before = diffFrom && readBefore(diffFrom, { options, gardenlet, shoot, errors })
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
  readonly options: RenderOptions
  readonly gardenlet: GardenletConfiguration
  readonly shoot: Shoot
  readonly errors: OptionErrors
}

/** What was deployed before: rendered manifests, or a Shoot or gardenlet configuration, rendered with the same flags. */
function readBefore(path: string, { options, gardenlet, shoot, errors }: Input): ManifestSet {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return readManifests(path)
  const render = (...input: [GardenletConfiguration, Shoot]) =>
    manifestSetOf(renderFiles(resolveSetting(options, ...input, errors).setting))
  const kinds = readDocuments(path).map(kindOf)
  if (kinds.includes('Shoot')) return render(gardenlet, readShoot(path, options.nodeNetwork))
  if (kinds.length === 1 && GARDENLET_KINDS.includes(kinds[0]))
    return render(readGardenletConfiguration(path), shoot)
  return readManifests(path)
}
