/** What the test and its programs tell each other. */

/** Of the proxy, once it listens. */
export interface Listening {
  readonly port: number
  readonly ca: string
  readonly cert: string
  readonly key: string
}

/** Of the proxy, each time that it is asked. */
export interface ProxyState {
  readonly heldBytes: number
  readonly paused: number
  readonly connections: number
}

/** For the callers: all that is `quiet`, `unread` and `downloads` is open before the first download asks. */
export interface CallerPlan extends Listening {
  readonly targetPort: number
  readonly quiet: number
  readonly unread: number
  readonly downloads: number
  readonly bytes: number
}

/** Of the callers, when every download has ended. They stay until they are killed. */
export interface CallerReport {
  readonly opened: number
  readonly whole: number
  /** Each kind, with how often it came. */
  readonly failures: Readonly<Record<string, number>>
}
