import type { ControlPlane } from '../input/control-plane.js'

/** All that the manifests of a seed's gateway depend on. */
export interface GatewaySetting {
  readonly namespace: string
  readonly image: string
  /** Those of all shoots of the seed, in a fixed order. */
  readonly controlPlanes: readonly ControlPlane[]
}
