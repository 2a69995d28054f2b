import { parseVersion, VERSION_SYNTAX, type Version } from '../feature-gate/version.js'
import { type ControlPlane, readControlPlane } from './control-plane.js'
import { InputFile } from './input-file.js'
import {
  FAMILY_NAMES,
  type Family,
  type GivenNetworks,
  type NetworkKind,
  type Networks,
  readNetworks,
} from './networks.js'
import { SHOOT_SCHEMA, type ShootDocument } from './shoot-schema.js'

/** What a Shoot says about its tunnel. */
export interface Shoot extends ControlPlane {
  readonly kubernetesVersion: Version
  /** The Gardener that reconciled it last. */
  readonly gardenerVersion: Version | undefined
  readonly annotations: Readonly<Record<string, string>>
  readonly networks: Networks
  readonly families: readonly Family[]
  readonly exposureClassName: string | undefined
  /** What a person should know although it can be used, one sentence each. */
  readonly warnings: readonly string[]
}

/**
 * Reads the parts of the Shoot in a file that the tunnel depends on, and checks them.
 * @param nodeNetworks in addition to those in the file
 * @throws UsageError naming file and path
 */
export function readShoot(path: string, nodeNetworks: readonly string[] = []): Shoot {
  const file = InputFile.read(path, 'Shoot')
  const controlPlane = readControlPlane(file)
  if (controlPlane.needsNoTunnel !== undefined)
    throw file.error(['spec', 'provider', 'workers'], `${controlPlane.needsNoTunnel}, so nothing is rendered`)
  const document = file.parse(SHOOT_SCHEMA)
  const { metadata, spec, status } = document
  const kubernetesVersion = parseVersion(spec.kubernetes.version)
  if (kubernetesVersion === undefined) {
    const seen = JSON.stringify(spec.kubernetes.version)
    throw file.error(['spec', 'kubernetes', 'version'], `${seen}, expected ${VERSION_SYNTAX}`)
  }
  const { networks, families, missing } = readNetworks(file, findNetworks(document, nodeNetworks), {
    named: spec.networking.ipFamilies ?? [],
    isReconciled: status?.networking != null,
  })
  return {
    ...controlPlane,
    kubernetesVersion,
    gardenerVersion: parseVersion(status?.gardener?.version ?? ''),
    annotations: metadata.annotations ?? {},
    networks,
    families,
    exposureClassName: spec.exposureClassName ?? undefined,
    warnings: missing.map(
      (family) =>
        `${path} has no networks of ${FAMILY_NAMES[family]} yet, which ipFamilies names: ` +
        'render again when status.networking has them',
    ),
  }
}

/** Those of the spec, then what only the status has: the spec holds one network of a kind, but a dual-stack shoot has two. */
function findNetworks({ spec, status }: ShootDocument, nodeNetworks: readonly string[]): GivenNetworks {
  const find = (kind: NetworkKind, ...others: readonly string[]) => [
    ...[...toList(spec.networking[kind]), ...others].map((text) => ({
      path: ['spec', 'networking', kind],
      text,
    })),
    ...toList(status?.networking?.[kind]).map((text) => ({ path: ['status', 'networking', kind], text })),
  ]
  return { pods: find('pods'), services: find('services'), nodes: find('nodes', ...nodeNetworks) }
}

function toList(value: string | readonly string[] | null | undefined): string[] {
  return [value ?? []]
    .flat()
    .flatMap((item) => item.split(','))
    .map((item) => item.trim())
    .filter((item) => item !== '')
}
