// A program for the pod. A client's first line is `download MS` or `upload MS`. For a download the server sends without end. For
// an upload it counts what it receives for that time, from the first byte on, and answers with one line of JSON. The only
// argument is the port.
import { createServer, type Socket } from 'node:net'
import { sendWithoutEnd } from './send-without-end.js'

createServer({ noDelay: true }, serve).listen(Number(process.argv[2]), '::', () => console.log('listening'))

function serve(socket: Socket): void {
  socket.on('error', () => socket.destroy())
  socket.once('data', (first: Buffer) => {
    const [, direction, milliseconds] = /^(download|upload) (\d+)\n/.exec(first.toString('latin1')) ?? []
    if (direction === 'download') sendWithoutEnd(socket)
    else if (direction === 'upload') count(socket, Number(milliseconds))
    else socket.destroy()
  })
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
