import { type Command, defineCommand, defineOptions, filePath, text, UsageError } from '@reversed-vpn/daemon'
import { gatewayFiles } from '../gateway/gateway-files.js'
import type { GatewaySetting, GatewayTarget } from '../gateway/gateway-setting.js'
import { readClusterFile } from '../input/cluster-file.js'
import { readControlPlane } from '../input/control-plane.js'
import { InputFile, kindOf, readDocuments } from '../input/input-file.js'
import { USE_API_SERVER } from '../input/networks.js'
import { API_SERVER, SNI_GATEWAY } from '../names.js'
import { CLUSTER_DESCRIPTION, gatewayNamespace, image } from '../setting/render-options.js'
import { deliver } from './deliver.js'
import type { Output } from './output.js'

function gatewayOptions(tag: string) {
  return defineOptions({
    shoot: {
      kind: filePath(),
      list: true,
      description:
        'Shoots (YAML), any number in a file, best as `kubectl get shoots -A -o yaml` prints them; all that the gateway leads to',
    },
    cluster: {
      kind: filePath(),
      list: true,
      description: `${CLUSTER_DESCRIPTION}; any number of files`,
    },
    seed: {
      kind: text(/[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/, 'the name of a seed', 'NAME'),
      description: 'leave out Shoots that are on other seeds',
    },
    namespace: {
      ...gatewayNamespace,
      default: SNI_GATEWAY,
      description: 'namespace of the gateway in the seed',
    },
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
    async run({ shoot, cluster, seed, namespace, imageSniGateway, ...where }, context) {
      const paths = [...shoot, ...cluster]
      if (paths.length === 0) throw new UsageError('no input is given, expected --shoot or --cluster')
      const shoots = shoot.flatMap(readShootTargets)
      const clusters = cluster.map((path) => readClusterTarget(path, namespace))
      const all = [...shoots, ...clusters]
      const controlPlanes = shoots
        .filter((one) => seed === undefined || one.seedName === seed)
        .concat(clusters)
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

function readShootTargets(path: string): GatewayTarget[] {
  return readDocuments(path)
    .filter((document) => kindOf(document) === 'Shoot')
    .map((document) => {
      const { namespace, name, needsNoTunnel, ...controlPlane } = readControlPlane(
        new InputFile(path, document),
      )
      const title = `${namespace}/${name}`
      if (controlPlane.apiServerHosts.length > 0)
        return {
          ...controlPlane,
          title,
          apiServerBackend: `${API_SERVER}.${controlPlane.seedNamespace}.svc.cluster.local:443`,
          hasTunnel: needsNoTunnel === undefined,
        }
      const problem = `of ${title} is not given, expected the DNS name that its API server is below: ${USE_API_SERVER}`
      throw controlPlane.file.error(['spec', 'dns', 'domain'], problem)
    })
}

/** @param here the namespace of this gateway */
function readClusterTarget(path: string, here: string): GatewayTarget {
  const { file, seedNamespace, apiServer, gateway } = readClusterFile(path)
  if (gateway !== undefined && gateway.namespace !== here) {
    const problem = `${gateway.namespace}, expected ${here}, the namespace of this gateway, or --namespace ${gateway.namespace}`
    throw file.error(['gateway', 'namespace'], problem)
  }
  if (gateway === undefined && apiServer.hosts.length === 0) {
    const problem =
      'is empty and the seed dials, expected a name to lead to kube-apiserver by, or no --cluster for it'
    throw file.error(['seed', 'apiServer', 'hosts'], problem)
  }
  return {
    title: seedNamespace,
    file,
    seedNamespace,
    apiServerHosts: apiServer.hosts,
    apiServerBackend: `${apiServer.service}.${seedNamespace}.svc.cluster.local:${apiServer.servicePort}`,
    hasTunnel: gateway !== undefined,
  }
}

/** The gateway takes no file with two routes for one name. */
function refuseConflicts(controlPlanes: readonly GatewayTarget[]): void {
  const owners = new Map<string, GatewayTarget>()
  for (const controlPlane of controlPlanes) {
    for (const claim of [controlPlane.seedNamespace, ...controlPlane.apiServerHosts]) {
      const owner = owners.get(claim)
      if (owner !== undefined) {
        const [left, right] = [owner, controlPlane].map(({ title, file }) => `${title} (${file.file})`)
        throw new UsageError(`${claim} belongs to both ${left} and ${right}, expected each Shoot once`)
      }
      owners.set(claim, controlPlane)
    }
  }
}
