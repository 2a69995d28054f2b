/** Of a rendered object what tests look into. */
export type RenderedObject =
  | {
      readonly kind: 'ConfigMap'
      readonly metadata: Metadata
      readonly data: Readonly<Record<string, string>>
    }
  | {
      readonly kind: 'Deployment'
      readonly metadata: Metadata
      readonly spec: { readonly template: { readonly spec: PodSpec } }
    }

interface Metadata {
  readonly name: string
}

export interface PodSpec {
  readonly initContainers?: readonly ContainerSpec[]
  readonly containers: readonly ContainerSpec[]
  readonly volumes: readonly VolumeSpec[]
  readonly securityContext: {
    readonly fsGroup?: number
    readonly sysctls?: readonly { readonly name: string; readonly value: string }[]
  }
  readonly terminationGracePeriodSeconds: number
}

export interface VolumeSpec {
  readonly name: string
  readonly configMap?: { readonly name: string }
  readonly secret?: { readonly secretName: string; readonly defaultMode: number }
  readonly hostPath?: { readonly path: string; readonly type: string }
}

export interface ContainerSpec {
  readonly name: string
  readonly image: string
  readonly command?: readonly string[]
  readonly args?: readonly string[]
  readonly env?: readonly { readonly name: string; readonly value: string }[]
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[]
  readonly livenessProbe?: object
  readonly readinessProbe?: object
  readonly resources: { readonly requests?: object; readonly limits: { readonly memory: string } }
  readonly securityContext: ContainerSecurity
  readonly volumeMounts: readonly {
    readonly name: string
    readonly mountPath: string
    readonly readOnly?: boolean
  }[]
}

export interface ContainerSecurity {
  readonly runAsNonRoot: boolean
  readonly runAsUser: number
  readonly runAsGroup: number
  readonly allowPrivilegeEscalation: boolean
  readonly readOnlyRootFilesystem: boolean
  readonly seccompProfile: { readonly type: string }
  readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] }
}
