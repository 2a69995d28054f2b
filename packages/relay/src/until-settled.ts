import type { EventEmitter } from 'node:events'

/**
 * A promise that `start` settles, or that `signal` rejects with its reason, whichever is first.
 *
 * @param start begins the wait and returns what ends it, which runs once, before the promise settles. Not called when the signal
 *   has fired already.
 */
export function untilSettled<Value>(
  signal: AbortSignal,
  start: (resolve: (value: Value) => void, reject: (error: unknown) => void) => () => void,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    let isSettled = false
    let stop: (() => void) | undefined
    const settle = (conclude: () => void) => {
      if (isSettled) return
      isSettled = true
      signal.removeEventListener('abort', onAbort)
      stop?.()
      conclude()
    }
    const onAbort = () => settle(() => reject(signal.reason))
    signal.addEventListener('abort', onAbort, { once: true })
    stop = start(
      (value) => settle(() => resolve(value)),
      (error) => settle(() => reject(error)),
    )
    if (isSettled) stop()
  })
}

interface UntilConnectedOptions {
  readonly signal: AbortSignal
  /** The event that says the connection is up. */
  readonly event: string
  /** @default none but the signal */
  readonly timeout?: { readonly ms: number; readonly error: () => Error } | undefined
  /** What the promise rejects with in place of an error of the connection. @default the error itself */
  readonly toError?: (error: Error) => Error
  /** Ends a connection that did not come about. */
  readonly destroy: () => void
}

/**
 * Waits until a connection is up. Every other end destroys it: an error, a close, the signal, the timeout.
 * Its errors are swallowed from here on; whoever uses it learns of its end from `close`.
 */
export async function untilConnected<Connection extends EventEmitter>(
  connection: Connection,
  options: UntilConnectedOptions,
): Promise<Connection> {
  const { signal, event, timeout, toError = (error) => error, destroy } = options
  connection.on('error', () => {})
  try {
    await untilSettled<void>(signal, (resolve, reject) => {
      const timer = timeout && setTimeout(() => reject(timeout.error()), timeout.ms)
      const onUp = () => resolve()
      const onError = (error: Error) => reject(toError(error))
      const onClose = () => onError(closedEarly())
      connection.once(event, onUp).once('error', onError).once('close', onClose)
      return () => {
        clearTimeout(timer)
        connection.off(event, onUp).off('error', onError).off('close', onClose)
      }
    })
  } catch (error) {
    destroy()
    throw error
  }
  return connection
}

function closedEarly(): Error {
  return Object.assign(new Error('the other end closed the connection too early'), { code: 'ECONNRESET' })
}
