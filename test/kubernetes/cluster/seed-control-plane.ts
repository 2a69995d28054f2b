import { join } from 'node:path'
import { apiServerFlags, controllerManagerFlags, schedulerFlags } from './api-server-flags.js'
import type { Credentials } from './credentials.js'
import type { Machine } from './machine.js'
import { SEED } from './topology.js'

export const SEED_PORT = 6443
const ETCD = 'http://127.0.0.1:2379'

/** Starts etcd and kube-apiserver of the seed, as processes of its machine. */
export async function startSeedApiServer(
  machine: Machine,
  binaries: string,
  credentials: Credentials,
): Promise<void> {
  await machine.start(join(binaries, 'etcd'), etcdFlags('/var/lib/etcd'))
  const flags = apiServerFlags({
    credentials: credentials.dir,
    etcd: ETCD,
    services: SEED.services,
    advertised: SEED.address,
    port: SEED_PORT,
  })
  await machine.start(join(binaries, 'kube-apiserver'), flags)
}

/** Starts the rest, which ends when kube-apiserver is not ready and knows no roles yet. */
export async function startSeedControllers(
  machine: Machine,
  binaries: string,
  credentials: Credentials,
): Promise<void> {
  const server = `https://${SEED.address}:${SEED_PORT}`
  const [controllers, scheduler] = await Promise.all([
    credentials.kubeconfig('controller-manager', server),
    credentials.kubeconfig('scheduler', server),
  ])
  const flags = controllerManagerFlags(controllers, credentials.dir, SEED.pods)
  await machine.start(join(binaries, 'kube-controller-manager'), flags)
  await machine.start(join(binaries, 'kube-scheduler'), schedulerFlags(scheduler))
}

/** Nothing that a cluster of a few minutes would need on disk. */
export function etcdFlags(dir: string, listen = '127.0.0.1'): string[] {
  return [
    `--data-dir=${dir}`,
    `--listen-client-urls=http://${listen}:2379`,
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--unsafe-no-fsync',
    '--log-level=warn',
  ]
}
