import { join } from 'node:path'
import { type Daemon, startNginx } from '@reversed-vpn/test/lab'
import type { Test } from 'tap'
import { type NoiseFile, publishNoise, sha256Of } from '../../../e2e/support/files.js'
import { inUrl } from '../../../e2e/support/tunnel-lab.js'
import type { ContainerLab } from './container-lab.js'

const NOISE_BYTES = 16 * 1024 * 1024

/** What a caller wants of the shoot, and gets through a tunnel between containers. */
export class Traffic {
  readonly #stage: ContainerLab
  readonly #noise: NoiseFile

  /** Starts what answers in the shoot. */
  static async prepare(stage: ContainerLab): Promise<Traffic> {
    const { lab } = stage
    const { node2, pod1 } = lab.hosts
    await Promise.all([startNginx(lab, pod1), startNginx(lab, node2)])
    return new Traffic(stage, await publishNoise(lab, pod1, 'noise', NOISE_BYTES))
  }

  private constructor(stage: ContainerLab, noise: NoiseFile) {
    this.#stage = stage
    this.#noise = noise
  }

  /** Both families through the proxy and not routed, echoes from the pod's own network, a large file, and a refusal. */
  async expect(t: Test, seed: Daemon, client: Daemon): Promise<void> {
    const { lab, tools } = this.#stage
    const { node2, pod1, seed: seedHost } = lab.hosts
    await Promise.all([seed, client].map((daemon) => daemon.waitUntilReady(tools.options.deadlineMs)))
    for (const address of Object.values(pod1.addresses)) {
      const url = `http://${inUrl(address)}/`
      t.match(await this.#stage.curlProxied(url), { code: 0, stdout: 'pod1\n' }, `${url} through the proxy`)
      t.not((await this.#stage.curlRouted(url, ['-m', '1'])).code, 0, `${url} is not routed`)
    }
    for (const address of Object.values(node2.addresses)) {
      const { stdout } = await seedHost.run('ping', ['-c', '2', '-i', '0.05', '-W', '20', address])
      t.match(stdout, ' 2 received', `ping ${address}`)
    }
    const copy = join(lab.dir, 'copy')
    const toFile = await this.#stage.curlProxied(`http://${pod1.addresses.ipv4}/noise`, ['-o', copy])
    t.match(toFile, { code: 0 })
    t.equal(await sha256Of(copy), this.#noise.sha256, 'a large file arrives as it was')
    const elsewhere = await this.#stage.curlProxied('http://192.0.2.1/')
    t.match(elsewhere, { code: 56, stderr: /403/ }, 'but not from elsewhere')
  }
}
