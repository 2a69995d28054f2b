/** Bytes from hex digits; white space is for the reader. */
export function hex(text) {
  return Buffer.from(text.replace(/\s+/g, ''), 'hex')
}
export function toHex(bytes) {
  return Buffer.from(bytes).toString('hex')
}
//# sourceMappingURL=hex.js.map
