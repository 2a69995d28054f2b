import { isIP } from 'node:net'
import { isHostName, UsageError } from '@reversed-vpn/daemon'
import { z } from 'zod'
import { parseVersion, VERSION_SYNTAX, type Version } from '../feature-gate/version.js'
import { API_SERVER, SECRETS, type SecretNames, SNI_GATEWAY, VPN_SHOOT_NAMESPACE } from '../names.js'
import { InputFile, readDocuments } from './input-file.js'
import { expecting, mapping, textLike } from './mapping.js'
import { type Family, type GivenNetworks, type Networks, readNetworks } from './networks.js'

/** A hosted control plane and its cluster, without Gardener. */
export interface Cluster {
  readonly file: InputFile
  readonly seedNamespace: string
  readonly shootNamespace: string
  readonly kubernetesVersion: Version
  readonly apiServer: {
    readonly deployment: string
    readonly container: string
    readonly labels: Readonly<Record<string, string>>
    /** DNS names under which the gateway leads to it. */
    readonly hosts: readonly string[]
    /** Where the gateway finds it. */
    readonly service: string
    readonly servicePort: number
  }
  readonly networks: Networks
  readonly families: readonly Family[]
  /** What the shoot dials. Undefined where the seed dials. */
  readonly gateway:
    | { readonly namespace: string; readonly address: string; readonly port?: number | undefined }
    | undefined
  /** What the seed dials. Undefined where the shoot dials. */
  readonly loadBalancer: { readonly address: string } | undefined
  readonly secrets: SecretNames
}

const label = textLike(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'at most 63 small letters, digits and hyphens')
const secret = textLike(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'the name of a Secret')
const HOST = 'a DNS name such as api.one.example'
const host = z.string(expecting(HOST)).refine(isHostName, expecting(HOST))
const ADDRESS = 'a DNS name or an IP address'
const address = z
  .string(expecting(ADDRESS))
  .refine((text) => isHostName(text) || isIP(text) !== 0, expecting(ADDRESS))
const PORT = 'a port from 1 to 65535'
const port = textLike(/^\d{1,5}$/, PORT)
  .refine((text) => Number(text) >= 1 && Number(text) <= 65_535, expecting(PORT))
  .transform(Number)
const NETWORK = 'a network such as 10.0.0.0/16, or a list of them'
const network = z.union([z.string(), z.array(z.string()).min(1, expecting(NETWORK))], expecting(NETWORK))
const labels = z.record(z.string(), z.string(), expecting('a mapping of labels to text'))

const schema = mapping({
  seed: mapping({
    namespace: label,
    apiServer: mapping({
      version: textLike(/^.{1,100}$/, VERSION_SYNTAX).refine(
        (text) => parseVersion(text) !== undefined,
        expecting(VERSION_SYNTAX),
      ),
      deployment: label.default(API_SERVER),
      container: label.default(API_SERVER),
      labels: labels.default({ app: API_SERVER }),
      hosts: z.array(host, expecting('a list of DNS names')).default([]),
      service: label.default(API_SERVER),
      servicePort: port.default(443),
    }),
    secrets: mapping({
      tunnel: secret.default(SECRETS.seedServer),
      egress: secret.default(SECRETS.egress),
      apiServer: secret.default(SECRETS.apiServer),
    }).prefault({}),
  }),
  shoot: mapping({
    namespace: label.default(VPN_SHOOT_NAMESPACE),
    networks: mapping({ pods: network, services: network, nodes: network }),
    secret: secret.default(SECRETS.vpnShoot),
  }),
  gateway: mapping({
    namespace: label.default(SNI_GATEWAY),
    address,
    port: port.optional(),
  }).optional(),
  loadBalancer: mapping({ address }).optional(),
})
type ClusterDocument = z.output<typeof schema>

/** @throws UsageError naming file and path of what is unknown, missing, of another type, or does not go together */
export function readClusterFile(path: string): Cluster {
  const [document, ...others] = readDocuments(path)
  if (document === undefined || others.length > 0)
    throw new UsageError(`${path}: ${others.length + (document ? 1 : 0)} YAML documents, expected one`)
  const file = new InputFile(path, document)
  const { seed, shoot, gateway, loadBalancer } = file.parse(schema)
  if ((gateway === undefined) === (loadBalancer === undefined))
    throw file.error(
      ['gateway'],
      gateway === undefined
        ? 'is not given, expected a mapping with address, or loadBalancer where the seed dials'
        : 'is given and loadBalancer too, expected one of them: either the shoot dials or the seed',
    )
  const { networks, families } = readNetworks(file, findNetworks(shoot.networks), {
    named: [],
    isReconciled: false,
    advice: 'pods and services have the same families',
  })
  return {
    file,
    seedNamespace: seed.namespace,
    shootNamespace: shoot.namespace,
    kubernetesVersion: parseVersion(seed.apiServer.version) as Version,
    apiServer: seed.apiServer,
    networks,
    families,
    gateway,
    loadBalancer,
    secrets: {
      seedServer: seed.secrets.tunnel,
      egress: seed.secrets.egress,
      apiServer: seed.secrets.apiServer,
      vpnShoot: shoot.secret,
    },
  }
}

function findNetworks(given: ClusterDocument['shoot']['networks']): GivenNetworks {
  const find = (kind: keyof typeof given) => {
    const value = given[kind]
    const path = ['shoot', 'networks', kind]
    return typeof value === 'string'
      ? [{ path, text: value }]
      : value.map((text, index) => ({ path: [...path, index], text }))
  }
  return { pods: find('pods'), services: find('services'), nodes: find('nodes') }
}
