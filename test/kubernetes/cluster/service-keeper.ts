import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './cluster.js'
import type { Machine } from './machine.js'
import { PUBLIC_DNS, SEED } from './topology.js'

const COLUMNS =
  '{.metadata.name} {.metadata.namespace} {.spec.clusterIP} {.spec.type} {.status.loadBalancer.ingress[0].ip}{"\\n"}'

/** What the cloud and the DNS addon do for a seed: Services of type LoadBalancer get its address, and each has a name. */
export class ServiceKeeper {
  readonly #cluster: Cluster
  readonly #hosts: string
  #last: Promise<unknown> = Promise.resolve()

  /** Starts a name server for pods at the address of the machine, and follows the Services of its cluster. */
  static async start(machine: Machine, cluster: Cluster): Promise<ServiceKeeper> {
    const hosts = join(machine.dir, 'services')
    await mkdir(hosts)
    await machine.start('dnsmasq', [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--user=root', '--pid-file=', '--no-hosts'],
      ...[`--listen-address=${SEED.address}`, '--bind-interfaces', `--hostsdir=${hosts}`, '--no-resolv'],
      ...[`--server=${PUBLIC_DNS}`, '--local=/cluster.local/', '--cache-size=0'],
    ])
    const keeper = new ServiceKeeper(cluster, hosts)
    const watch = await cluster.startKubectl([
      ...['get', 'services', '--all-namespaces', '--watch', '--output', `jsonpath=${COLUMNS}`],
    ])
    let seen = 0
    void watch
      .waitFor(
        'the end',
        () => {
          for (; seen < watch.output.length; seen++) keeper.#take(watch.output[seen]?.text ?? '')
          return undefined
        },
        { deadlineMs: 2 ** 31 - 1 },
      )
      .catch(() => {})
    return keeper
  }

  private constructor(cluster: Cluster, hosts: string) {
    this.#cluster = cluster
    this.#hosts = hosts
  }

  #take(line: string): void {
    const [name = '', namespace = '', address = '', type = '', balancer = ''] = line.split(' ')
    if (!/^[\d.]+$/.test(address)) return
    this.#last = this.#last
      .then(() =>
        writeFile(
          join(this.#hosts, `${namespace}.${name}`),
          `${address} ${name}.${namespace}.svc.cluster.local\n`,
        ),
      )
      .then(() => (type === 'LoadBalancer' && balancer === '' ? this.#balance(name, namespace) : undefined))
      .catch(() => {})
  }

  async #balance(name: string, namespace: string): Promise<void> {
    const patch = JSON.stringify({ status: { loadBalancer: { ingress: [{ ip: SEED.loadBalancer }] } } })
    await this.#cluster.kubectl([
      'patch',
      'service',
      name,
      '-n',
      namespace,
      '--subresource=status',
      '--type=merge',
      '-p',
      patch,
    ])
  }
}
