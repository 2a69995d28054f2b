import { mkdir, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyPair } from '../certificates/openssl-authority.js'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import type { LabProcess } from '../hosts/lab-process.js'

interface NginxOptions {
  /** @default 80 */
  readonly port?: number
  /** Size of `/big`, all zeros. @default 64 MiB */
  readonly bigFileBytes?: number
  /** What `/` says. @default the name of the host */
  readonly page?: string
  /** Speaks TLS with that certificate. @default plain HTTP */
  readonly tls?: KeyPair
}

/** One request as nginx saw it. */
interface AccessRecord {
  readonly remoteAddress: string
  readonly method: string
  readonly uri: string
  readonly status: number
  readonly bytesSent: number
}

/** A web server on both families: `/` is one line, `/big` a large file. */
export interface Nginx extends AsyncDisposable {
  readonly process: LabProcess
  readonly port: number
  /** The requests answered so far, oldest first. */
  accesses(): Promise<AccessRecord[]>
  stop(): Promise<void>
}

export async function startNginx(lab: Lab, host: Host, options: NginxOptions = {}): Promise<Nginx> {
  const port = options.port ?? 80
  const dir = join(lab.dir, `nginx-${host.name}-${port}`)
  await mkdir(join(dir, 'www'), { recursive: true })
  await writeFile(join(dir, 'www', 'index.html'), `${options.page ?? host.name}\n`)
  await writeFile(join(dir, 'www', 'big'), '')
  await truncate(join(dir, 'www', 'big'), options.bigFileBytes ?? 64 * 1024 * 1024)
  await writeFile(join(dir, 'access.log'), '')
  await writeFile(join(dir, 'nginx.conf'), configuration(dir, port, options.tls))
  const server = await host.spawn('nginx', [
    '-c',
    join(dir, 'nginx.conf'),
    '-e',
    'stderr',
    '-g',
    'daemon off;',
  ])
  await host.waitForPort(server, port, { families: [4, 6] })
  const stop = async () => {
    // SIGQUIT would wait for connections that a test left open.
    await server.stop('SIGTERM')
  }
  return {
    process: server,
    port,
    accesses: async () => parseAccessLog(await readFile(join(dir, 'access.log'), 'utf8')),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

function parseAccessLog(text: string): AccessRecord[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): AccessRecord => JSON.parse(line))
}

function configuration(dir: string, port: number, tls: KeyPair | undefined): string {
  const tempPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const ssl = tls === undefined ? '' : ' ssl'
  const certificate =
    tls === undefined
      ? ''
      : `ssl_certificate ${tls.certFile}; ssl_certificate_key ${tls.keyFile}; ssl_protocols TLSv1.2 TLSv1.3;`
  // The lab's directory belongs to root alone, so the worker stays root.
  return `user root root;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
http {
  ${tempPaths.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ')}
  log_format json escape=json '{"remoteAddress":"$remote_addr","method":"$request_method","uri":"$request_uri",'
    '"status":$status,"bytesSent":$body_bytes_sent}';
  access_log ${dir}/access.log json;
  default_type text/plain;
  sendfile on;
  tcp_nopush on;
  server {
    listen 0.0.0.0:${port}${ssl};
    listen [::]:${port} ipv6only=on${ssl};
    ${certificate}
    root ${dir}/www;
  }
}
`
}
