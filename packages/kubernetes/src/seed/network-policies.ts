import { gatewayPeer } from '../endpoint/gateway-peer.js'
import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import type { RenderSetting } from '../setting/render-setting.js'
import { API_SERVER_LABELS, PROMETHEUS_LABELS, SEED_PORTS, SEED_SERVER, SEED_SERVER_LABELS } from './names.js'

const DNS_LABELS = ['kube-dns', 'coredns', 'node-local-dns']
/** Where DNS is served: as usual, by CoreDNS without the right to a low port, and by the cache on each node. */
const DNS_PORTS = [53, 8053]
const NODE_LOCAL_DNS = '169.254.20.10/32'

/** Who may talk to the seed-server, each on one port, and that it may ask for names and nothing else. */
export function seedNetworkPolicies(setting: RenderSetting): Manifest[] {
  return [
    ingressPolicy(setting, 'kube-apiserver', podsHere(API_SERVER_LABELS), SEED_PORTS.egress),
    ingressPolicy(setting, 'gateway', gatewayPeer(setting), SEED_PORTS.tunnel),
    ingressPolicy(setting, 'prometheus', podsHere(PROMETHEUS_LABELS), SEED_PORTS.admin),
    dnsPolicy(setting),
  ]
}

function ingressPolicy(setting: RenderSetting, from: string, peer: ValueMap, port: number): Manifest {
  return policy(setting, `${SEED_SERVER}-from-${from}`, {
    policyTypes: ['Ingress'],
    ingress: [{ from: [peer], ports: [{ protocol: 'TCP', port }] }],
  })
}

function dnsPolicy(setting: RenderSetting): Manifest {
  return policy(setting, `${SEED_SERVER}-to-dns`, {
    policyTypes: ['Egress'],
    egress: [
      {
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
            podSelector: { matchExpressions: [{ key: 'k8s-app', operator: 'In', values: DNS_LABELS }] },
          },
          { ipBlock: { cidr: NODE_LOCAL_DNS } },
        ],
        ports: DNS_PORTS.flatMap((port) => ['UDP', 'TCP'].map((protocol) => ({ protocol, port }))),
      },
    ],
  })
}

function policy({ seedNamespace: namespace }: RenderSetting, name: string, spec: ValueMap): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      name,
      namespace,
      labels: SEED_SERVER_LABELS,
    },
    { spec: { podSelector: { matchLabels: SEED_SERVER_LABELS }, ...spec } },
  )
}

function podsHere(labels: Readonly<Record<string, string>>): ValueMap {
  return { podSelector: { matchLabels: labels } }
}
