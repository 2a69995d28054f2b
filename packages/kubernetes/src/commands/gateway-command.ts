import { type Command, defineCommand, defineOptions, filePath, text, UsageError } from '@reversed-vpn/daemon'
import { gatewayFiles } from '../gateway/gateway-files.js'
import type { GatewaySetting } from '../gateway/gateway-setting.js'
import { type ControlPlane, readControlPlane } from '../input/control-plane.js'
import { InputFile, kindOf, readDocuments } from '../input/input-file.js'
import { USE_API_SERVER } from '../input/networks.js'
import { gatewayNamespace, image } from '../setting/render-options.js'
import { deliver } from './deliver.js'
import type { Output } from './output.js'

function gatewayOptions(tag: string) {
  return defineOptions({
    shoot: {
      kind: filePath(),
      list: true,
      required: true,
      description:
        'Shoots (YAML), any number in a file, best as `kubectl get shoots -A -o yaml` prints them; all that the gateway leads to',
    },
    seed: {
      kind: text(/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/, 'the name of a seed', 'NAME'),
      description: 'leave out Shoots that are on other seeds',
    },
    namespace: { ...gatewayNamespace, description: 'namespace of the gateway in the seed' },
    output: {
      kind: filePath(),
      placeholder: 'DIR',
      description: 'folder for the manifests, in seed/; without it they go to stdout as one stream',
    },
    'diff-from': {
      kind: filePath(),
      placeholder: 'PATH',
      description: 'print what changes compared with PATH: a rendered folder or stream',
    },
    'image-sni-gateway': {
      kind: image,
      default: `reversed-vpn/sni-gateway:${tag}`,
      description: 'image of the sni-gateway',
    },
  })
}

/** `reversed-vpn gateway`: the one gateway of a seed, with the routes of all its shoots. */
export function gatewayCommand(version: string, output: Output): Command {
  return defineCommand({
    name: 'gateway',
    description: 'Renders the one sni-gateway of a seed, with the routes of all its shoots.',
    options: gatewayOptions(version),
    async run({ shoot: paths, seed, namespace, imageSniGateway, ...where }, context) {
      const all = paths.flatMap(readControlPlanes)
      const controlPlanes = all
        .filter((one) => seed === undefined || one.seedName === seed)
        .sort((left, right) => (left.seedNamespace < right.seedNamespace ? -1 : 1))
      const onSeed = seed === undefined ? '' : `of them on ${seed} `
      if (controlPlanes.length === 0)
        throw new UsageError(
          `${paths.join(', ')}: ${all.length} Shoots, none ${onSeed}to lead to, expected at least one`,
        )
      refuseConflicts(controlPlanes)
      const setting: GatewaySetting = { namespace, image: imageSniGateway, controlPlanes }
      const note = `routes for ${controlPlanes.length} of ${all.length} Shoots`
      await deliver(gatewayFiles(setting), where, [note], { output, program: context.name })
    },
  })
}

function readControlPlanes(path: string): ControlPlane[] {
  return readDocuments(path)
    .filter((document) => kindOf(document) === 'Shoot')
    .map((document) => {
      const controlPlane = readControlPlane(new InputFile(path, document))
      if (controlPlane.apiServerHosts.length > 0) return controlPlane
      const name = `${controlPlane.namespace}/${controlPlane.name}`
      const problem = `of ${name} is not given, expected the DNS name that its API server is below: ${USE_API_SERVER}`
      throw controlPlane.file.error(['spec', 'dns', 'domain'], problem)
    })
}

/** The gateway takes no file with two routes for one name. */
function refuseConflicts(controlPlanes: readonly ControlPlane[]): void {
  const owners = new Map<string, ControlPlane>()
  for (const controlPlane of controlPlanes) {
    for (const claim of [controlPlane.seedNamespace, ...controlPlane.apiServerHosts]) {
      const owner = owners.get(claim)
      if (owner !== undefined) {
        const [left, right] = [owner, controlPlane].map(
          ({ namespace, name, file }) => `${namespace}/${name} (${file.file})`,
        )
        throw new UsageError(`${claim} belongs to both ${left} and ${right}, expected each Shoot once`)
      }
      owners.set(claim, controlPlane)
    }
  }
}
