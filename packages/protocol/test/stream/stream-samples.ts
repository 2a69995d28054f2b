import {
  FRAME_TYPE,
  writeCredit,
  writeFin,
  writeOpen,
  writeOpened,
  writeReceived,
  writeRefused,
  writeReset,
  writeResume,
  writeStreamDataHeader,
} from '@reversed-vpn/protocol'

/** Room for any frame of these, filled so that a byte that is left out shows. */
function written(write: (target: Uint8Array, offset: number) => number): Uint8Array {
  const target = new Uint8Array(300).fill(0xee)
  const bytes = write(target, 3)
  return target.slice(3, 3 + bytes)
}

function data(id: number, text: string): Uint8Array {
  const header = written((target, at) => writeStreamDataHeader(target, at, id, text.length))
  return Buffer.concat([header, Buffer.from(text)])
}

/** The examples of SPEC.md in their order, as the encoder makes them. */
export const STREAM_SAMPLES: readonly { readonly type: number; readonly encode: () => Uint8Array }[] = [
  {
    type: FRAME_TYPE.OPEN,
    encode: () =>
      written((to, at) => writeOpen(to, at, 1, 262_144, { host: '10.96.0.1', port: 443, isName: false })),
  },
  {
    type: FRAME_TYPE.OPEN,
    encode: () =>
      written((to, at) => writeOpen(to, at, 2, 262_144, { host: 'node-1', port: 10_250, isName: true })),
  },
  { type: FRAME_TYPE.OPENED, encode: () => written((to, at) => writeOpened(to, at, 1, 65_536, '10.96.0.1')) },
  {
    type: FRAME_TYPE.OPENED,
    encode: () => written((to, at) => writeOpened(to, at, 3, 16_384, '2001:db8::1')),
  },
  {
    type: FRAME_TYPE.REFUSED,
    encode: () => written((to, at) => writeRefused(to, at, 2, 'no-address', 'none')),
  },
  { type: FRAME_TYPE.STREAM_DATA, encode: () => data(1, 'hello') },
  { type: FRAME_TYPE.CREDIT, encode: () => written((to, at) => writeCredit(to, at, 1, 65_536)) },
  { type: FRAME_TYPE.FIN, encode: () => written((to, at) => writeFin(to, at, 1)) },
  { type: FRAME_TYPE.RESET, encode: () => written((to, at) => writeReset(to, at, 1, 'connection-broke')) },
  { type: FRAME_TYPE.RECEIVED, encode: () => written((to, at) => writeReceived(to, at, 2)) },
  { type: FRAME_TYPE.RESUME, encode: () => written((to, at) => writeResume(to, at, 258, 66_051)) },
]
