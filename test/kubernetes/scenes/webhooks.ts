import { readFile } from 'node:fs/promises'
import type { OpensslAuthority } from '@reversed-vpn/test/lab'
import type { Test } from 'tap'
import type { Cluster } from '../cluster/cluster.js'
import { toolsPod } from '../cluster/index.js'
import { inShell, ready, service } from './scene.js'

const WEBHOOK = 'webhook'
const PORT = 8443
const CERTIFICATE_DIR = '/certificate'
/** Only what is in it is judged. */
const NAMESPACE = 'judged'

/** A request that both webhooks are asked about, and that leaves nothing behind. */
export const JUDGED_CONFIG_MAP = {
  method: 'POST',
  path: `/api/v1/namespaces/${NAMESPACE}/configmaps?dryRun=All`,
  body: JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'judged-again' },
    data: { harmless: 'yes' },
  }),
} as const

/** Starts what judges and changes ConfigMaps, as a Service in the shoot without which none may be written. */
export async function startWebhook(cluster: Cluster, authority: OpensslAuthority): Promise<void> {
  const host = `${WEBHOOK}.default.svc`
  const { certFile, keyFile } = await authority.issue({ commonName: host, dnsNames: [host], usage: 'server' })
  const caBundle = await base64Of(authority.certFile)
  const files = [
    `--tls-cert-file=${CERTIFICATE_DIR}/tls.crt`,
    `--tls-private-key-file=${CERTIFICATE_DIR}/tls.key`,
  ]
  await cluster.apply([
    {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: WEBHOOK, namespace: 'default' },
      data: { 'tls.crt': await base64Of(certFile), 'tls.key': await base64Of(keyFile) },
    },
    toolsPod(
      WEBHOOK,
      {
        args: ['webhook', `--port=${PORT}`, ...files],
        readinessProbe: { httpGet: { scheme: 'HTTPS', port: PORT, path: '/readyz' }, periodSeconds: 1 },
        volumeMounts: [{ name: 'certificate', mountPath: CERTIFICATE_DIR }],
      },
      [{ name: 'certificate', secret: { secretName: WEBHOOK } }],
    ),
    service(WEBHOOK, PORT, 443),
  ])
  await ready(cluster, [WEBHOOK])
  await cluster.apply([
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } },
    configuration('ValidatingWebhookConfiguration', 'validate.webhook.example', '/configmaps', caBundle),
    configuration('MutatingWebhookConfiguration', 'mutate.webhook.example', '/mutating-configmaps', caBundle),
  ])
  // A new configuration takes a moment to be heard of.
  await cluster.eventually(CHANGED, 60_000, (data) => data.includes('mutation-stage-1'))
}

/** One that changes what is written, and one that refuses some of it; without an answer nothing is written. */
export async function askWebhooks(t: Test, cluster: Cluster): Promise<void> {
  const { stdout: changed } = await cluster.mustKubectl(CHANGED)
  t.strictSame(
    JSON.parse(changed),
    { 'mutation-start': 'yes', 'mutation-stage-1': 'yes' },
    'a mutating webhook',
  )
  const unwanted = configMap('webhook-e2e-test=webhook-disallow', ['--dry-run=server'])
  const { stdout: refusal } = await inShell(
    cluster,
    'while "$@" 2>&1; do sleep 0.2; done',
    unwanted,
    t.testdir({}),
  )
  t.match(
    refusal,
    /admission webhook "validate\.webhook\.example" denied the request: the configmap contains unwanted key/,
  )
  await cluster.mustKubectl(configMap('harmless=yes'))
  await cluster.mustKubectl(['delete', `pod/${WEBHOOK}`])
  const unanswered = await cluster.kubectl(configMap('unjudged=yes'), { deadlineMs: 60_000 })
  t.match(
    unanswered,
    { code: 1, stderr: /failed calling webhook "mutate\.webhook\.example"/ },
    'failurePolicy Fail',
  )
}

/** Asks for a ConfigMap that is changed on its way, and for nothing more. */
const CHANGED = configMap('mutation-start=yes', ['--dry-run=server', '-o', 'jsonpath={.data}'])

function configMap(literal: string, more: readonly string[] = []): string[] {
  const name = literal.replace('=', '-')
  return ['create', 'configmap', name, `--namespace=${NAMESPACE}`, `--from-literal=${literal}`, ...more]
}

function configuration(kind: string, name: string, path: string, caBundle: string): object {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name },
    webhooks: [
      {
        name,
        failurePolicy: 'Fail',
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        timeoutSeconds: 10,
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': NAMESPACE } },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'], operations: ['CREATE'] }],
        clientConfig: { caBundle, service: { namespace: 'default', name: WEBHOOK, path } },
      },
    ],
  }
}

async function base64Of(file: string): Promise<string> {
  return (await readFile(file)).toString('base64')
}
