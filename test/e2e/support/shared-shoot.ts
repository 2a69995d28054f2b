import { setTimeout as pause } from 'node:timers/promises'
import {
  type Daemon,
  destinationOf,
  type GatewayRoute,
  type JoinedLab,
  type Nginx,
  startNginx,
} from '@reversed-vpn/test/lab'
import { inUrl, type TunnelLab } from './tunnel-lab.js'

const REQUESTS_A_WAY = 8
const API_PORT = 6443
const PATIENCE_SECONDS = 30
const VAIN_PATIENCE_SECONDS = 1

/** routed, proxied: from the caller to the pod. api: from the node to the kube-apiserver. */
export const WAYS = ['routed', 'proxied', 'api'] as const
type Way = (typeof WAYS)[number]

/** What came of the requests of one way. */
export interface Outcome {
  readonly way: Way
  /** Whether every answer was the one of the shoot's own server. */
  readonly isAnswered: boolean
  /** What curl said. */
  readonly said: string
}

/** One of several shoots behind the same gateway, with what it said and what it heard. */
export class SharedShoot {
  readonly name: string
  readonly stage: TunnelLab
  readonly destination: string
  readonly apiName: string
  readonly #gatewayUrl: string
  readonly #seedAddress: string
  readonly #apiCaFile: string
  readonly #pod: Nginx
  readonly #api: Nginx
  /** URIs that have to be in the log of the pod, and of the kube-apiserver. */
  readonly #expected: Record<'pod' | 'api', string[]> = { pod: [], api: [] }
  seed: Daemon
  client: Daemon

  /** Starts all of it but the gateway. @param gatewayUrl where it will be */
  static async start(
    name: string,
    stage: TunnelLab,
    { seedAddress }: JoinedLab,
    gatewayUrl: string,
  ): Promise<SharedShoot> {
    const { lab, pki } = stage
    const apiName = `api.${name}.example`
    const apiCa = await pki.authority(`ca-api-${name}`)
    const tls = await apiCa.issue({ commonName: apiName, dnsNames: [apiName], usage: 'server' })
    const [pod, api, seed] = await Promise.all([
      startNginx(lab, lab.hosts.pod1, { page: `pod of ${name}` }),
      startNginx(lab, lab.hosts.seed, { page: `api of ${name}`, port: API_PORT, tls }),
      startSeed(stage),
    ])
    const client = await startClient(stage, gatewayUrl, name)
    const fixed = { name, stage, apiName, seedAddress, gatewayUrl, apiCaFile: apiCa.certFile, pod, api }
    return new SharedShoot(fixed, seed, client)
  }

  private constructor(
    fixed: {
      readonly name: string
      readonly stage: TunnelLab
      readonly apiName: string
      readonly seedAddress: string
      readonly gatewayUrl: string
      readonly apiCaFile: string
      readonly pod: Nginx
      readonly api: Nginx
    },
    seed: Daemon,
    client: Daemon,
  ) {
    this.name = fixed.name
    this.stage = fixed.stage
    this.destination = destinationOf(`shoot--${fixed.name}`)
    this.apiName = fixed.apiName
    this.#seedAddress = fixed.seedAddress
    this.#gatewayUrl = fixed.gatewayUrl
    this.#apiCaFile = fixed.apiCaFile
    this.#pod = fixed.pod
    this.#api = fixed.api
    this.seed = seed
    this.client = client
  }

  /** Its own part of the routes. @param backends whose servers they lead to */
  routes(backends: SharedShoot = this): GatewayRoute[] {
    const at = backends.#seedAddress
    return [
      { name: `tunnel-${this.name}`, destinations: [this.destination], backend: `${at}:1194` },
      { name: `api-${this.name}`, serverNames: [this.apiName], backend: `${at}:${API_PORT}` },
    ]
  }

  async restartSeed(): Promise<void> {
    this.seed = await startSeed(this.stage)
  }

  /** @param header the shoot whose routing header it shows */
  async restartClient(header = this.name, args: readonly string[] = []): Promise<void> {
    await this.client.stop('SIGKILL')
    this.client = await startClient(this.stage, this.#gatewayUrl, header, args)
  }

  async waitUntilReady(): Promise<void> {
    await Promise.all([this.seed.waitUntilReady(), this.client.waitUntilReady()])
  }

  /** Requests that have to be answered, each on a connection of its own, all at once. */
  say(what: string, ways: readonly Way[] = WAYS): Promise<Outcome[]> {
    return Promise.all(
      ways.map((way) => {
        const uris = this.#urisOf(what, way)
        this.#expected[way === 'api' ? 'api' : 'pod'].push(...uris)
        return this.#request(way, uris, PATIENCE_SECONDS)
      }),
    )
  }

  /** Requests that must not arrive anywhere. */
  sayInVain(what: string, ways: readonly Way[] = WAYS): Promise<Outcome[]> {
    return Promise.all(ways.map((way) => this.#request(way, this.#urisOf(what, way), VAIN_PATIENCE_SECONDS)))
  }

  /**
   * What its pod and its kube-apiserver were asked, and should have been asked, in the same order. nginx writes a line when it
   * has sent the answer, so that the last ones are waited for.
   */
  async heard(): Promise<{ readonly found: readonly string[]; readonly wanted: readonly string[] }> {
    const read = async (server: Nginx, who: string) =>
      (await server.accesses()).map(({ uri, status }) => `${who} ${status} ${uri}`)
    const wanted = (['pod', 'api'] as const).flatMap((who) =>
      this.#expected[who].map((uri) => `${who} 200 ${uri}`),
    )
    const endMs = performance.now() + 1000 * PATIENCE_SECONDS
    for (;;) {
      const found = [...(await read(this.#pod, 'pod')), ...(await read(this.#api, 'api'))]
      if (found.length >= wanted.length || performance.now() > endMs)
        return { found: found.sort(), wanted: wanted.sort() }
      await pause(20)
    }
  }

  #urisOf(what: string, way: Way): string[] {
    return Array.from(
      { length: REQUESTS_A_WAY },
      (_, index) => `/?shoot=${this.name}&what=${what}&way=${way}&n=${index}`,
    )
  }

  async #request(way: Way, uris: readonly string[], patienceSeconds: number): Promise<Outcome> {
    const { lab } = this.stage
    const { ipv4, ipv6 } = lab.hosts.pod1.addresses
    const hosts =
      way === 'api' ? [`https://${this.apiName}`] : [ipv4, ipv6].map((address) => `http://${inUrl(address)}`)
    const urls = uris.map((uri, index) => `${hosts[index % hosts.length]}${uri}`)
    const [last = '', ...others] = urls
    const parallel = ['--parallel', '--parallel-immediate', '--no-progress-meter']
    const args = ['-m', String(patienceSeconds), ...parallel, ...others]
    const { code, stdout, stderr } = await (way === 'api'
      ? lab.hosts.node.run('curl', ['-sS', '-g', ...this.#apiArgs(), ...args, last])
      : way === 'routed'
        ? this.stage.curlRouted(last, args)
        : this.stage.curlEgress(last, args))
    const page = `${way === 'api' ? 'api' : 'pod'} of ${this.name}\n`
    const isAnswered = code === 0 && stdout === page.repeat(urls.length)
    return { way, isAnswered, said: `${code} ${stdout}${stderr}`.trim() }
  }

  #apiArgs(): string[] {
    const { ipv4 } = this.stage.hosts.gateway.addresses
    return ['--cacert', this.#apiCaFile, '--resolve', `${this.apiName}:443:${ipv4}`]
  }
}

function startSeed(stage: TunnelLab): Promise<Daemon> {
  return stage.startSeed(['--egress-hold', '300ms'])
}

function startClient(
  stage: TunnelLab,
  gatewayUrl: string,
  shoot: string,
  args: readonly string[] = [],
): Promise<Daemon> {
  const header = `Reversed-VPN: ${destinationOf(`shoot--${shoot}`)}`
  const server = `vpn-seed-server.shoot--${shoot}.svc.cluster.local:1194`
  const way = ['--gateway', gatewayUrl, '--server', server, '--header', header]
  return stage.startClient({ args: [...way, ...args] })
}
