const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[\s\S]*?-----END \1-----/g

/** What an authority's list or certificate may be called between the dashes (RFC 7468 §5.1, §6.1). */
export const CERTIFICATE_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE'] as const
export const REVOCATION_LIST_LABELS = ['X509 CRL'] as const

/** The blocks of that kind in a file, each as a whole; text between blocks is left out. */
export function pemBlocks(text: string, labels: readonly string[]): string[] {
  return [...text.matchAll(BLOCK)].flatMap(([block, label = '']) => (labels.includes(label) ? [block] : []))
}

/** Whether every block that begins also ends. A file that was cut off does not. */
export function isWhole(text: string): boolean {
  const begins = text.match(/-----BEGIN /g)?.length ?? 0
  return begins === [...text.matchAll(BLOCK)].length
}

/**
 * The text with each block beginning on a line of its own. Files that were put together may lack a line break between two,
 * and OpenSSL then takes neither.
 */
export function separateBlocks(text: string): string {
  return text.replace(/-----[ \t]*(?=-----BEGIN )/g, '-----\n')
}
