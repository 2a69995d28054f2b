import type { RenderedFile } from './manifest/manifest.js'
import { seedFiles } from './seed/seed-files.js'
import type { RenderSetting } from './setting/render-setting.js'
import { shootFiles } from './shoot/shoot-files.js'

/** All that has to be deployed for the tunnel of one shoot, in the same order every time. */
export function renderFiles(setting: RenderSetting): RenderedFile[] {
  return [...seedFiles(setting), ...shootFiles(setting)]
}
