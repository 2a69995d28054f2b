import { type Command, defineCommand, defineOptions, filePath, integer, text } from '@reversed-vpn/daemon'
import { writeCertificates } from '../certs/write-certificates.js'
import type { Output } from './output.js'

const options = defineOptions({
  output: {
    kind: filePath(),
    required: true,
    placeholder: 'DIR',
    description: 'folder for the certificates; must be empty or absent',
  },
  namespace: {
    kind: text(/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/, 'a namespace', 'NAME'),
    default: 'default',
    description: "the shoot's namespace in the seed, part of the seed-server's DNS names",
  },
  days: { kind: integer(1, 3650), default: '365', description: 'validity of the certificates in days' },
})

/** `reversed-vpn certs`: an authority and the certificates of one shoot, for a trial. */
export function certsCommand(output: Output): Command {
  return defineCommand({
    name: 'certs',
    description: 'Creates an authority and the certificates of one shoot, for a trial.',
    options,
    async run({ output: folder, namespace, days }, context) {
      // Imported here: nothing else needs it, and loading it takes longer than rendering manifests.
      const { makeCertificateSet } = await import('../certs/certificate-set.js')
      const set = await makeCertificateSet({ seedNamespace: namespace, validDays: days, now: new Date() })
      writeCertificates(folder, set)
      const line = `certificates in ${folder}, valid for ${days} days; anybody with ca/ca.key can issue more`
      output.note(`${context.name}: ${line}`)
    },
  })
}
