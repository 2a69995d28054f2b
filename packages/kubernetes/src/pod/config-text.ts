import { createHash } from 'node:crypto'
import type { ValueMap } from '../manifest/manifest.js'
import { toYaml } from '../manifest/yaml-text.js'

/** Options of a daemon as its `--config` file has them: keys named like the flags. */
export type DaemonConfig = Readonly<Record<string, string | readonly string[]>>

export function toConfigText(config: DaemonConfig): string {
  return toYaml(config)
}

/** Changes with the configuration, so that pods which read it at start are replaced. */
export function configHashAnnotation(config: DaemonConfig | ValueMap): Record<string, string> {
  return { 'reversed-vpn/config-hash': createHash('sha256').update(toYaml(config)).digest('hex') }
}
