// A program for the pod: sends without end, or counts what comes. A client's first line is `download MS` or `upload MS`; what was
// counted in that time since its first byte goes back as a line of JSON. Its only argument is the port.
import { createServer, type Socket } from 'node:net'

const BLOCK = Buffer.alloc(256 * 1024)

createServer({ noDelay: true }, serve).listen(Number(process.argv[2]), '::', () => console.log('listening'))

function serve(socket: Socket): void {
  socket.on('error', () => socket.destroy())
  socket.once('data', (first: Buffer) => {
    const [, direction, milliseconds] = /^(download|upload) (\d+)\n/.exec(first.toString('latin1')) ?? []
    if (direction === 'download') send(socket)
    else if (direction === 'upload') count(socket, Number(milliseconds))
    else socket.destroy()
  })
}

function send(socket: Socket): void {
  const fill = () => {
    while (!socket.destroyed && socket.write(BLOCK)) {
      // Until it says that it is full.
    }
  }
  socket.on('drain', fill)
  fill()
}

function count(socket: Socket, milliseconds: number): void {
  let bytes = 0
  let startMs = Number.NaN
  const onData = (chunk: Buffer) => {
    if (bytes === 0) startMs = performance.now()
    bytes += chunk.length
    const passedMs = performance.now() - startMs
    if (passedMs < milliseconds) return
    socket.off('data', onData)
    socket.resume()
    socket.write(`${JSON.stringify({ bytes, seconds: passedMs / 1000 })}\n`)
  }
  socket.on('data', onData)
}
