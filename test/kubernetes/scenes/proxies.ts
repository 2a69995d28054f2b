import type { Test } from 'tap'
import type { Cluster } from '../cluster/cluster.js'
import { NUMBERS, WEB, WEB_PORT } from './scene.js'

/** kube-apiserver as a proxy to pods, Services and nodes, and a port of a pod on the person's own machine. */
export async function useProxies(t: Test, cluster: Cluster): Promise<void> {
  const objects = '/api/v1/namespaces/default'
  for (const path of [`pods/${WEB}:${WEB_PORT}`, `services/${WEB}:80`]) {
    const { stdout } = await cluster.mustKubectl(['get', '--raw', `${objects}/${path}/proxy/numbers`])
    t.ok(stdout === NUMBERS, `${path} through the proxy, byte by byte`)
  }
  const node = cluster.nodes[0]?.name ?? ''
  const { stdout: health } = await cluster.mustKubectl([
    'get',
    '--raw',
    `/api/v1/nodes/${node}/proxy/healthz`,
  ])
  t.equal(health, 'ok', "a node's kubelet through the proxy")
  // A pod is counted from the next round on.
  const hasWeb = (said: string) =>
    JSON.parse(said).pods.some((pod: { podRef: { name: string } }) => pod.podRef.name === WEB)
  const stats = await cluster.eventually(
    ['get', '--raw', `/api/v1/nodes/${node}/proxy/stats/summary`],
    60_000,
    hasWeb,
  )
  t.equal(JSON.parse(stats).node.nodeName, node, "a node's statistics")
}

/** A port of a pod on the machine of the person. */
export async function forwardPort(t: Test, cluster: Cluster): Promise<void> {
  const forward = ['port-forward', `pod/${WEB}`, `:${WEB_PORT}`, '--address=127.0.0.1']
  await using forwarding = await cluster.startKubectl(forward)
  const [, port] = await forwarding.waitForLine(/^Forwarding from 127\.0\.0\.1:(\d+) -> /, {
    deadlineMs: 30_000,
  })
  for (const what of ['once', 'and again']) {
    const { stdout } = await cluster.run('curl', ['-sS', '-m', '60', `http://127.0.0.1:${port}/numbers`])
    t.ok(stdout === NUMBERS, `port-forward, ${what}`)
  }
}
