/** How long a pod stays on a node that is gone, in seconds. */
export interface NodeTolerationSeconds {
  readonly notReady: number
  readonly unreachable: number
}

/** A tunnel may not be down for longer because a node is gone. */
export const MAX_TOLERATION_SECONDS = 60
