import { statSync } from 'node:fs'
import { type Command, defineCommand } from '@reversed-vpn/daemon'
import { describeDiff } from '../diff/describe-diff.js'
import { type ManifestSet, manifestSetFrom, manifestSetOf, readManifestFolder } from '../diff/manifest-set.js'
import { type GardenletConfiguration, readGardenletConfiguration } from '../input/gardenlet-configuration.js'
import { parseDocuments, readText } from '../input/input-file.js'
import { readShoot, type Shoot } from '../input/shoot.js'
import { type RenderedFile, toStream } from '../manifest/manifest.js'
import { writeFolder } from '../manifest/write-folder.js'
import { seedFiles } from '../seed/seed-files.js'
import { type RenderOptions, renderOptions } from '../setting/render-options.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { type OptionErrors, resolveSetting } from '../setting/resolve-setting.js'
import { shootFiles } from '../shoot/shoot-files.js'
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
      const shoot = readShoot(options.shoot)
      const { setting, warnings } = resolveSetting(options, gardenlet, shoot, errors)
      const files = renderFiles(setting)
      const before =
        options.diffFrom === undefined
          ? undefined
          : readBefore(options.diffFrom, { options, gardenlet, shoot, errors })
      if (options.output !== undefined) writeFolder(options.output, files)
      for (const line of [...warnings, setting.direction.explanation]) output.note(`${context.name}: ${line}`)
      if (before !== undefined) await output.result(describeDiff(before, manifestSetOf(files)))
      else if (options.output === undefined) await output.result(toStream(files))
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
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return readManifestFolder(path)
  const render = (...input: [GardenletConfiguration, Shoot]): RenderedFile[] =>
    renderFiles(resolveSetting(options, ...input, errors).setting)
  const documents = parseDocuments(path, readText(path))
  switch (kindOf(documents)) {
    case 'Shoot':
      return manifestSetOf(render(gardenlet, readShoot(path)))
    case 'GardenletConfiguration':
      return manifestSetOf(render(readGardenletConfiguration(path), shoot))
    default:
      return manifestSetFrom(documents, path)
  }
}

function kindOf([document]: readonly unknown[]): unknown {
  return typeof document === 'object' && document !== null ? Reflect.get(document, 'kind') : undefined
}
