import { loadTlsMaterial, type TlsFiles, type TlsMaterial, tlsFileList } from './tls-material.js'
import { TlsMaterialError } from './tls-material-error.js'

/** What a reload means for lanes that are up. */
export interface TlsChange {
  /** Our own certificate is another. */
  readonly isOwnNew: boolean
  /** Peers may not be trusted any more: an authority was removed, or revocation lists have changed. */
  readonly isTrustNarrower: boolean
}

/** The certificates in use. Reads their files again on request. */
export class CertificateStore {
  readonly #files: TlsFiles
  #material: TlsMaterial

  /** @param material what the files held when they were read first */
  constructor(files: TlsFiles, material: TlsMaterial) {
    this.#files = files
    this.#material = material
  }

  get material(): TlsMaterial {
    return this.#material
  }

  get files(): string[] {
    return tlsFileList(this.#files)
  }

  /**
   * Reads the files again. `take` puts the new material into use; if it throws, the old one stays in use.
   * @returns what has changed; undefined when nothing has
   * @throws TlsMaterialError
   */
  reload(take: (material: TlsMaterial, change: TlsChange) => void): TlsChange | undefined {
    const before = this.#material
    const material = loadTlsMaterial(this.#files)
    if (isSame(before, material)) return undefined
    refuseEndedLists(material)
    const change = compare(before, material)
    take(material, change)
    this.#material = material
    return change
  }
}

/** OpenSSL lets in nobody by a list past its nextUpdate. */
function refuseEndedLists({ certificates }: TlsMaterial): void {
  const ended = certificates.find(({ role, notAfterMs }) => role === 'crl' && notAfterMs <= Date.now())
  if (ended === undefined) return
  const since = new Date(ended.notAfterMs).toISOString()
  const text = `revocation list ${ended.file} of ${ended.subject} has ended ${since}`
  throw new TlsMaterialError('ERR_TLS_CERTIFICATE', ended.file, text)
}

function isSame(one: TlsMaterial, other: TlsMaterial): boolean {
  const text = ({ cert, key, ca, crl = [] }: TlsMaterial) => [cert, key, ca, ...crl].join('\0')
  return text(one) === text(other)
}

function compare(before: TlsMaterial, after: TlsMaterial): TlsChange {
  const authorities = ({ certificates }: TlsMaterial) =>
    certificates.filter(({ role }) => role === 'ca').map(({ fingerprint }) => fingerprint)
  const still = new Set(authorities(after))
  const lists = (after.crl ?? []).join('\n')
  return {
    isOwnNew: before.cert !== after.cert || before.key !== after.key,
    isTrustNarrower:
      authorities(before).some((authority) => !still.has(authority)) ||
      (lists !== '' && lists !== (before.crl ?? []).join('\n')),
  }
}
