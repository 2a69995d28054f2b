import { cp, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { mustRunCommand } from '@reversed-vpn/test/lab'
import type { Cluster } from '../cluster/cluster.js'
import type { Clusters } from '../cluster/index.js'

/** A kubelet may take two minutes to put a Secret into the files of its pods. */
const TAKEN_DEADLINE_MS = 300_000

/** A new key and a certificate with the names of the one in `tls.crt`, by the same authority. */
const RENEW = `openssl ecparam -name prime256v1 -genkey -noout -out tls.key
openssl x509 -x509toreq -in tls.crt -key tls.key -copy_extensions copyall -out ../renewed.csr
openssl x509 -req -in ../renewed.csr -CA "$0/ca.crt" -CAkey "$0/ca.key" -copy_extensions copyall -days 2 -out tls.crt`

/** Replaces the Secrets of both ends of the tunnel by `kubectl apply`, and waits until both daemons have taken the new ones. */
export async function renewCertificates(clusters: Clusters): Promise<void> {
  const { seed, shoot, seedNamespace } = clusters
  const ends = [
    [seed, seedNamespace, 'vpn-seed-server', ['vpn-seed-server-tls', 'vpn-seed-server-egress-tls']],
    [shoot, 'kube-system', 'vpn-shoot', ['vpn-shoot-tls']],
  ] as const
  for (const [cluster, namespace, deployment, secrets] of ends) {
    const logs = ['logs', '--follow', `deployment/${deployment}`, '-n', namespace, '--tail=1']
    await using log = await cluster.startKubectl(logs)
    await log.waitForLine(/^\{/, { deadlineMs: 60_000 })
    for (const secret of secrets) await replaceSecret(clusters, cluster, namespace, secret)
    for (const part of secrets.map((secret) => (secret.includes('egress') ? 'egress-tls' : 'tunnel-tls')))
      await log.waitForLine(new RegExp(`"${part} taken"`), { deadlineMs: TAKEN_DEADLINE_MS })
  }
}

async function replaceSecret(
  { rendered }: Clusters,
  cluster: Cluster,
  namespace: string,
  name: string,
): Promise<void> {
  const folder = join(rendered.dir, 'renewed', name)
  const secret = (await rendered.secrets()).find((one) => one.name === name)
  if (secret === undefined) throw new Error(`there is no Secret ${name}`)
  await mkdir(join(rendered.dir, 'renewed'), { recursive: true })
  await cp(secret.folder, folder, { recursive: true })
  await mustRunCommand('sh', ['-ec', RENEW, rendered.authority], { cwd: folder })
  const manifest = ['create', 'secret', 'generic', name, '-n', namespace, `--from-file=${folder}`]
  const { stdout } = await cluster.mustKubectl([...manifest, '--dry-run=client', '-o', 'yaml'])
  await cluster.mustKubectl(['apply', '-f', '-'], { input: stdout })
}
