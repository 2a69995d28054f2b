import { isHostName } from '@reversed-vpn/daemon'
import { z } from 'zod'
import { VERSION_SYNTAX } from '../feature-gate/version.js'
import { USE_API_SERVER } from './networks.js'

/** A value without quotes may be a boolean for YAML, and is still meant as text. */
const text = (expected: string) =>
  z.preprocess(
    (value) => (typeof value === 'boolean' ? String(value) : value),
    z.string({ error: `expected ${expected}` }),
  )
const label = text('a name').refine((name) => /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(name), {
  error: 'expected at most 63 small letters, digits and hyphens',
})
const networks = z
  .union([z.string(), z.array(z.string())], { error: 'expected a network such as 10.0.0.0/16, or a list' })
  .nullish()
const networkLists = { pods: networks, services: networks, nodes: networks }

/** What every Shoot has, whether or not it needs a tunnel. */
const identity = {
  kind: z.literal('Shoot', { error: 'expected Shoot' }).optional(),
  metadata: z.looseObject(
    {
      name: label,
      namespace: label,
      annotations: z
        .record(z.string(), text('text'), { error: 'expected a mapping of annotations to text' })
        .nullish(),
    },
    { error: 'expected a mapping with name and namespace' },
  ),
}
const dns = z
  .looseObject({ domain: z.string().refine(isHostName, { error: 'expected a DNS name' }).nullish() })
  .nullish()
const status = {
  technicalID: label.nullish(),
  seedName: z.string().nullish(),
  advertisedAddresses: z.array(z.looseObject({ name: z.string(), url: z.string() })).nullish(),
}

/** The parts of a Shoot that lead to its control plane. */
export const CONTROL_PLANE_SCHEMA = z.looseObject(
  {
    ...identity,
    spec: z.looseObject(
      {
        dns,
        seedName: z.string().nullish(),
        provider: z.looseObject({ workers: z.array(z.looseObject({})).nullish() }).nullish(),
      },
      { error: 'expected a mapping with kubernetes and networking' },
    ),
    status: z.looseObject(status).nullish(),
  },
  { error: 'expected a Shoot' },
)
export type ControlPlaneDocument = z.output<typeof CONTROL_PLANE_SCHEMA>

/** The parts of a Shoot that the tunnel depends on. Other fields are ignored. */
export const SHOOT_SCHEMA = z.looseObject(
  {
    ...identity,
    spec: z.looseObject(
      {
        dns,
        exposureClassName: label.nullish(),
        kubernetes: z.looseObject(
          { version: text(`${VERSION_SYNTAX}: ${USE_API_SERVER}`) },
          { error: `expected a mapping with version: ${USE_API_SERVER}` },
        ),
        networking: z.looseObject(
          {
            ...networkLists,
            ipFamilies: z
              .array(z.enum(['IPv4', 'IPv6'], { error: 'expected IPv4 or IPv6' }), {
                error: 'expected a list of IPv4 and IPv6',
              })
              .nullish(),
          },
          {
            error: `is not given, expected the shoot's networks: pods, services and nodes: ${USE_API_SERVER}`,
          },
        ),
      },
      { error: 'expected a mapping with kubernetes and networking' },
    ),
    status: z
      .looseObject({
        ...status,
        gardener: z.looseObject({ version: z.string().nullish() }).nullish(),
        networking: z.looseObject(networkLists, { error: 'expected a mapping of networks' }).nullish(),
      })
      .nullish(),
  },
  { error: 'expected a Shoot' },
)
export type ShootDocument = z.output<typeof SHOOT_SCHEMA>
