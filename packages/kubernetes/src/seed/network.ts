import { gatewayPeer } from '../endpoint/endpoint-manifests.js'
import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import {
  API_SERVER_LABELS,
  PROMETHEUS_LABELS,
  SEED_PORTS,
  SEED_SERVER,
  SEED_SERVER_LABELS,
} from '../names.js'
import type { RenderSetting } from '../setting/render-setting.js'

const DNS_LABELS = ['kube-dns', 'coredns', 'node-local-dns']
/** Port 53 as usual, and 8053 where CoreDNS may not bind a low port. */
const DNS_PORTS = [53, 8053]
/** The DNS cache that every node may have. */
const NODE_LOCAL_DNS = '169.254.20.10/32'

/**
 * How the endpoint, kube-apiserver and Prometheus find the seed-server. Its address is published before it is ready: it
 * becomes ready with a tunnel, and the tunnel comes in through this Service.
 */
export function seedServerService({ seedNamespace: namespace }: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    { apiVersion: 'v1', kind: 'Service', name: SEED_SERVER, namespace, labels: SEED_SERVER_LABELS },
    {
      spec: {
        type: 'ClusterIP',
        publishNotReadyAddresses: true,
        selector: SEED_SERVER_LABELS,
        ports: [
          // Istio takes the protocol from the beginning of the name. The TLS inside is our own, so it is TCP.
          { name: 'tcp-tunnel', port: SEED_PORTS.tunnel, targetPort: 'tunnel', protocol: 'TCP' },
          { name: 'tcp-egress', port: SEED_PORTS.egress, targetPort: 'egress', protocol: 'TCP' },
          { name: 'http-admin', port: SEED_PORTS.admin, targetPort: 'admin', protocol: 'TCP' },
        ],
      },
    },
  )
}

/** Who may connect to the seed-server, each to one port. The seed-server itself may only query DNS. */
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
