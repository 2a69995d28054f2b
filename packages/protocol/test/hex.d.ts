/** Bytes from hex digits; white space is for the reader. */
export declare function hex(text: string): Uint8Array
export declare function toHex(bytes: Uint8Array): string
