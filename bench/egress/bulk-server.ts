// A program for the pod. A client's first line is `download MS`, `upload MS` or `send STREAM BYTES`. For a download the server
// sends without end. For an upload it counts what it receives for that time, from the first byte on, and answers with one line of
// JSON. For the last it sends that many bytes of the stream's pattern. The only argument is the port.
import { createServer, type Socket } from 'node:net'
import { patternAt } from './pattern.js'
import { sendWithoutEnd } from './send-without-end.js'

createServer({ noDelay: true }, serve).listen(Number(process.argv[2]), '::', () => console.log('listening'))

function serve(socket: Socket): void {
  socket.on('error', () => socket.destroy())
  socket.once('data', (first: Buffer) => {
    const [, kind, number, bytes] =
      /^(download|upload|send) (\d+)(?: (\d+))?\n/.exec(first.toString('latin1')) ?? []
    if (kind === 'download') sendWithoutEnd(socket)
    else if (kind === 'upload') count(socket, Number(number))
    else if (kind === 'send') sendPattern(socket, Number(number), Number(bytes))
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

function sendPattern(socket: Socket, stream: number, bytes: number): void {
  let sent = 0
  const fill = () => {
    while (!socket.destroyed && sent < bytes) {
      const block = patternAt(stream, sent, bytes - sent)
      sent += block.length
      if (!socket.write(block)) return
    }
  }
  socket.on('drain', fill)
  fill()
}
