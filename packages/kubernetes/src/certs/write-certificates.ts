import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '@reversed-vpn/daemon'
import { makeFolder } from '../manifest/write-folder.js'
import type { CertificateSet } from './certificate-set.js'

const MODE_OF_KEYS = 0o600
const MODE_OF_CERTIFICATES = 0o644
const MODE_OF_FOLDERS = 0o700

/**
 * Writes each pair to a folder named after its Secret, as `kubectl create secret generic NAME --from-file FOLDER` reads it,
 * and the authority to `ca/`. Never overwrites.
 *
 * @throws UsageError when the folder holds anything
 */
export function writeCertificates(folder: string, { authority, secrets }: CertificateSet): void {
  refuseToOverwrite(folder)
  writePair(join(folder, 'ca'), { 'ca.crt': authority.certificate }, { 'ca.key': authority.key })
  for (const [secret, { certificate, key }] of secrets) {
    const certificates = { 'ca.crt': authority.certificate, 'tls.crt': certificate }
    writePair(join(folder, secret), certificates, { 'tls.key': key })
  }
}

function refuseToOverwrite(folder: string): void {
  const found = statSync(folder, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isDirectory())
    throw new UsageError(`--output ${folder}: is a file, expected an empty folder or none`)
  const [first] = readdirSync(folder).sort()
  if (first !== undefined)
    throw new UsageError(`--output ${folder}: holds ${first}, expected an empty folder or none`)
}

function writePair(
  folder: string,
  certificates: Readonly<Record<string, string>>,
  keys: Readonly<Record<string, string>>,
): void {
  makeFolder(folder, MODE_OF_FOLDERS)
  const write = (name: string, text: string, mode: number) =>
    // `wx` fails instead of overwriting, also when another process writes at the same time.
    writeFileSync(join(folder, name), text, { mode, flag: 'wx' })
  for (const [name, text] of Object.entries(certificates)) write(name, text, MODE_OF_CERTIFICATES)
  for (const [name, text] of Object.entries(keys)) write(name, text, MODE_OF_KEYS)
}
