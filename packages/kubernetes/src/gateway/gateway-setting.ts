import type { InputFile } from '../input/input-file.js'

/** A control plane that the gateway leads to. */
export interface GatewayTarget {
  /** For errors. */
  readonly title: string
  readonly file: InputFile
  readonly seedNamespace: string
  /** The seed, if it is assigned to one. */
  readonly seedName?: string | undefined
  /** DNS names of its API server. */
  readonly apiServerHosts: readonly string[]
  /** `HOST:PORT` of its API server in the seed. */
  readonly apiServerBackend: string
  readonly hasTunnel: boolean
}

/** All that the manifests of a seed's gateway depend on. */
export interface GatewaySetting {
  readonly namespace: string
  readonly image: string
  /** Those of all shoots of the seed, in a fixed order. */
  readonly controlPlanes: readonly GatewayTarget[]
}
