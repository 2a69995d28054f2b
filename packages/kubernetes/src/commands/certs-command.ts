import { type Command, defineCommand, defineOptions, filePath, integer, text } from '@reversed-vpn/daemon'
import { writeCertificates } from '../certs/write-certificates.js'
import type { Output } from './output.js'

const options = defineOptions({
  output: {
    kind: filePath(),
    required: true,
    placeholder: 'DIR',
    description: 'folder to write to, which must be empty or not there',
  },
  namespace: {
    kind: text(/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/, 'a namespace', 'NAME'),
    default: 'default',
    description: "the shoot's namespace in the seed, part of the seed-server's names",
  },
  days: { kind: integer(1, 3650), default: '365', description: 'how long the certificates are good for' },
})

/** `reversed-vpn certs`: an authority and the certificates of one shoot, for a trial. */
export function certsCommand(output: Output): Command {
  return defineCommand({
    name: 'certs',
    description: 'Makes an authority and the certificates of one shoot, for a trial.',
    options,
    async run({ output: folder, namespace, days }, context) {
      // Loaded here, because nothing else needs it and it takes longer to load than manifests to render.
      const { makeCertificateSet } = await import('../certs/certificate-set.js')
      const set = await makeCertificateSet({ seedNamespace: namespace, validDays: days, now: new Date() })
      writeCertificates(folder, set)
      const line = `certificates in ${folder}, good for ${days} days; whoever has ca/ca.key can make more`
      output.note(`${context.name}: ${line}`)
    },
  })
}
