/** Bytes from hex digits; white space is for the reader. */
export function hex(text: string): Uint8Array {
  return Buffer.from(text.replace(/\s+/g, ''), 'hex')
}
