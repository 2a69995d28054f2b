import { lstat, unlink } from 'node:fs/promises'
import { connect } from 'node:net'

/**
 * Makes room for a Unix socket: removes the file that a killed process left behind, and only that.
 *
 * @throws Error with `code` EADDRINUSE when somebody listens on it, ENOTSOCK when it is another kind of file
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (!stats) return
  if (!stats.isSocket()) throw systemError('ENOTSOCK', `${path} exists and is not a socket`)
  if (await isListenedOn(path)) throw systemError('EADDRINUSE', `${path} is in use by another process`)
  await unlink(path)
}

function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect({ path })
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', (error: NodeJS.ErrnoException) => {
      // A full backlog (EAGAIN) is somebody's too.
      if (error.code === 'EAGAIN') resolve(true)
      else if (error.code === 'ECONNREFUSED') resolve(false)
      else reject(error)
    })
  })
}

function systemError(code: string, message: string): Error {
  return Object.assign(new Error(message), { code, syscall: 'listen' })
}
