import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'

/** Node's own names: the handle of a connection, and that nothing is to be read before somebody asks. */
type HandleOptions = SocketConstructorOpts & {
  handle: unknown
  onread: OnReadOpts
  pauseOnCreate: true
  highWaterMark: number
}

/** What may wait to be written before `write` returns false. Node's own has changed between its versions. */
const WRITE_BUFFER_BYTES = 16_384

/**
 * The same connection as a paused, half-open socket that is read as `onread` says, which Node offers to sockets that connect
 * and not to those of a server. A **patch of Node's private contract**: a socket has a handle, and can be made of one.
 * `accept-into.test.ts` holds Node to it.
 *
 * @param accepted of a server with `pauseOnConnect`. It is empty then: the server does not count it any more.
 */
export function acceptInto(accepted: Socket, onread: OnReadOpts): Socket {
  const shell = accepted as unknown as { _handle: unknown }
  const options: HandleOptions = {
    handle: shell._handle,
    onread,
    allowHalfOpen: true,
    pauseOnCreate: true,
    highWaterMark: WRITE_BUFFER_BYTES,
  }
  shell._handle = null
  accepted.destroy()
  return new Socket(options)
}
