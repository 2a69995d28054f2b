import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeBlocks } from '../../repo/operating-guide.js'
import { REPOSITORY } from '../support/cache.js'
import type { Cluster } from './cluster.js'
import type { Clusters } from './clusters.js'

const PAGE = join(REPOSITORY, 'docs', 'kubernetes.md')
const STEP_DEADLINE_MS = 400_000

/** What docs/kubernetes.md has a person type, typed where a person's kubectl runs, in a folder like a checkout of this repository. */
export class Page {
  readonly dir: string
  readonly #shoot: Cluster
  readonly #sections: readonly string[]
  readonly #environment: string

  static async open({ seed, shoot, seedNamespace, rendered }: Clusters, binaries: string): Promise<Page> {
    const dir = join(rendered.dir, 'page')
    await mkdir(join(dir, 'control-plane'), { recursive: true })
    for (const name of ['deploy', 'node_modules', 'package.json']) {
      await symlink(join(REPOSITORY, name), join(dir, name))
    }
    const kubeconfig = join(dir, 'kubeconfig')
    await writeFile(kubeconfig, await withContexts({ seed, shoot }))
    const environment = [
      `cd '${dir}'`,
      `export PATH='${binaries}':"$PATH" KUBECONFIG='${kubeconfig}' npm_config_offline=true npm_config_update_notifier=false`,
      `NS=${seedNamespace}`,
    ]
    return new Page(dir, shoot, await readFile(PAGE, 'utf8'), environment.join('\n'))
  }

  private constructor(dir: string, shoot: Cluster, text: string, environment: string) {
    this.dir = dir
    this.#shoot = shoot
    this.#sections = text.split(/^## /m)
    this.#environment = environment
  }

  /**
   * Types all commands of a section, without `leftOut`.
   *
   * @param title how its heading begins
   * @returns what was printed
   * @throws LabError with what was printed when a command fails; Error when there is nothing to type
   */
  async type(title: string, leftOut = /^$/): Promise<string> {
    const section = this.#sections.find((text) => text.startsWith(title)) ?? ''
    const lines = codeBlocks(section)
      .join('')
      .split('\n')
      .filter((line) => !leftOut.test(line))
    if (lines.join('') === '') throw new Error(`docs/kubernetes.md has nothing to type below ## ${title}`)
    return this.run(lines.join('\n'))
  }

  /** Types something else there. @returns what was printed @throws LabError with it when a command fails */
  async run(script: string): Promise<string> {
    const all = `${this.#environment}\nset -e\n${script}\n`
    const { stdout, stderr } = await this.#shoot.run('bash', ['-c', all], { deadlineMs: STEP_DEADLINE_MS })
    return stdout + stderr
  }
}

/** One kubeconfig with a context for each cluster, named as they are here. */
async function withContexts(clusters: Readonly<Record<string, Cluster>>): Promise<string> {
  const lists: Record<string, object[]> = { clusters: [], users: [], contexts: [] }
  for (const [name, { kubeconfig }] of Object.entries(clusters)) {
    const {
      clusters: [it],
      users: [me],
    } = JSON.parse(await readFile(kubeconfig, 'utf8'))
    lists.clusters?.push({ ...it, name })
    lists.users?.push({ ...me, name })
    lists.contexts?.push({ name, context: { cluster: name, user: name } })
  }
  return JSON.stringify({ apiVersion: 'v1', kind: 'Config', ...lists })
}
