import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import type { LabProcess } from '../hosts/lab-process.js'

interface ConnectGatewayOptions {
  /** @default 8132, where Gardener's ingress takes CONNECT */
  readonly port?: number
  /** Ports that CONNECT may ask for. @default 1194 */
  readonly connectPorts?: readonly number[]
  /** Asks every client for this name and password (Basic). @default nobody is asked */
  readonly credentials?: { readonly user: string; readonly password: string }
}

export interface ConnectGateway extends AsyncDisposable {
  readonly process: LabProcess
  /** As `--gateway` and `--proxy` take it. */
  readonly url: string
  readonly port: number
  stop(signal?: NodeJS.Signals): Promise<void>
}

/** tinyproxy as the endpoint that takes HTTP CONNECT: the place of the seed's ingress, or of a corporate proxy. */
export async function startConnectGateway(
  lab: Lab,
  host: Host = lab.hosts.gateway,
  options: ConnectGatewayOptions = {},
): Promise<ConnectGateway> {
  const port = options.port ?? 8132
  const file = join(lab.dir, `tinyproxy-${host.name}-${port}.conf`)
  await writeFile(file, configuration(port, options), { mode: 0o600 })
  const server = await host.spawn('tinyproxy', ['-d', '-c', file])
  await host.waitForPort(server, port, { families: [4, 6] })
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    await server.stop(signal)
  }
  const url = `http://${host.addresses.ipv4}:${port}`
  return { process: server, port, url, stop, [Symbol.asyncDispose]: () => stop() }
}

function configuration(port: number, { connectPorts = [1194], credentials }: ConnectGatewayOptions): string {
  return [
    'User root',
    'Group root',
    `Port ${port}`,
    'Listen 0.0.0.0',
    'Listen ::',
    'Timeout 600',
    'MaxClients 1000',
    'LogLevel Connect',
    'DisableViaHeader Yes',
    ...connectPorts.map((allowed) => `ConnectPort ${allowed}`),
    ...(credentials === undefined ? [] : [`BasicAuth ${credentials.user} ${credentials.password}`]),
    '',
  ].join('\n')
}
