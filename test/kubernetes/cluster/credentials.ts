import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type KeyPair, mustRunCommand, OpensslAuthority } from '@reversed-vpn/test/lab'

/** Who may do what is decided by user and groups alone, so tokens do for everybody who connects to kube-apiserver. */
const USERS = {
  admin: ['admin', 'system:masters'],
  'controller-manager': ['system:kube-controller-manager', ''],
  scheduler: ['system:kube-scheduler', ''],
  'kube-proxy': ['system:kube-proxy', ''],
} as const
type User = keyof typeof USERS | `node:${string}`

/** How kube-apiserver introduces itself to kubelets. */
export const KUBELET_CLIENT = 'kube-apiserver-kubelet-client'

/** The authority of a cluster, the certificate of its kube-apiserver, and everybody's tokens. */
export class Credentials {
  readonly dir: string
  readonly #authority: OpensslAuthority
  readonly #tokens: ReadonlyMap<User, string>

  /** @param names and @param addresses of kube-apiserver; @param nodes their names */
  static async create(
    dir: string,
    { names, addresses, nodes }: { names: string[]; addresses: string[]; nodes: string[] },
  ): Promise<Credentials> {
    await mkdir(dir, { recursive: true })
    const authority = await OpensslAuthority.create(join(dir, 'ca'), 'cluster')
    const [server, client] = [
      await authority.issue({
        commonName: 'kube-apiserver',
        dnsNames: names,
        ipAddresses: addresses,
        usage: 'server',
      }),
      await authority.issue({ commonName: KUBELET_CLIENT, usage: 'client' }),
    ]
    await keep(server, join(dir, 'server'))
    await keep(client, join(dir, 'kubelet-client'))
    await writeFile(join(dir, 'ca.crt'), await readFile(authority.certFile))
    await mustRunCommand(
      'openssl',
      ['ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'sa.key'],
      { cwd: dir },
    )
    const users: [User, readonly [string, string]][] = [
      ...(Object.entries(USERS) as [User, readonly [string, string]][]),
      ...nodes.map((name): [User, [string, string]] => [
        `node:${name}`,
        [`system:node:${name}`, 'system:nodes'],
      ]),
    ]
    const tokens = new Map(users.map(([user]) => [user, randomBytes(16).toString('hex')]))
    const rows = users.map(([user, [name, groups]]) => `${tokens.get(user)},${name},${user},"${groups}"\n`)
    await writeFile(join(dir, 'tokens.csv'), rows.join(''))
    return new Credentials(dir, authority, tokens)
  }

  private constructor(dir: string, authority: OpensslAuthority, tokens: ReadonlyMap<User, string>) {
    this.dir = dir
    this.#authority = authority
    this.#tokens = tokens
  }

  get authorityFile(): string {
    return join(this.dir, 'ca.crt')
  }

  /** @throws Error for somebody who has none */
  tokenOf(user: User): string {
    const token = this.#tokens.get(user)
    if (token === undefined) throw new Error(`${user} has no token`)
    return token
  }

  /** What a kubelet shows to those who connect to it. */
  async kubeletPair(address: string): Promise<KeyPair> {
    return this.#authority.issue({
      commonName: `kubelet ${address}`,
      ipAddresses: [address],
      usage: 'server',
    })
  }

  /** Writes a kubeconfig. @returns its path */
  async kubeconfig(user: User, server: string): Promise<string> {
    const file = join(this.dir, `${user.replace(':', '-')}-${new URL(server).hostname}.kubeconfig`)
    await writeFile(file, await this.kubeconfigText(user, server))
    return file
  }

  async kubeconfigText(user: User, server: string): Promise<string> {
    const authority = (await readFile(this.authorityFile)).toString('base64')
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'it', cluster: { server, 'certificate-authority-data': authority } }],
      users: [{ name: 'me', user: { token: this.tokenOf(user) } }],
      contexts: [{ name: 'it', context: { cluster: 'it', user: 'me' } }],
      'current-context': 'it',
    })
  }
}

async function keep(pair: KeyPair, path: string): Promise<void> {
  await writeFile(`${path}.crt`, await readFile(pair.certFile))
  await writeFile(`${path}.key`, await readFile(pair.keyFile))
}
