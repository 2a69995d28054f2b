import { gatewayPeer } from '../endpoint/endpoint-manifests.js'
import { defineManifest, type Manifest, type ValueMap } from '../manifest/manifest.js'
import { PROMETHEUS_LABELS, SEED_PORTS, SEED_SERVER, SEED_SERVER_LABELS } from '../names.js'
import type { RenderSetting } from '../setting/render-setting.js'

const DNS_PORT = 53

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
    ingressPolicy(setting, 'kube-apiserver', podsHere(setting.apiServer.labels), SEED_PORTS.egress),
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

/** Wherever the node's name servers are. */
function dnsPolicy(setting: RenderSetting): Manifest {
  return policy(setting, `${SEED_SERVER}-to-dns`, {
    policyTypes: ['Egress'],
    egress: [{ ports: ['UDP', 'TCP'].map((protocol) => ({ protocol, port: DNS_PORT })) }],
  })
}

/**
 * For a seed-server in the pod of kube-apiserver: only Prometheus may connect to its admin port. As the first policy for
 * that pod it would close the ports of kube-apiserver too, so it keeps them open, to everybody: they have authentication of
 * their own.
 */
export function sidecarNetworkPolicy(setting: RenderSetting): Manifest {
  return defineManifest(
    'seed',
    {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      name: `${SEED_SERVER}-sidecar`,
      namespace: setting.seedNamespace,
      labels: SEED_SERVER_LABELS,
    },
    {
      spec: {
        podSelector: { matchLabels: setting.apiServer.labels },
        policyTypes: ['Ingress'],
        ingress: [
          { ports: setting.apiServer.ports.map((port) => ({ protocol: 'TCP', port })) },
          { from: [podsHere(PROMETHEUS_LABELS)], ports: [{ protocol: 'TCP', port: SEED_PORTS.admin }] },
        ],
      },
    },
  )
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
