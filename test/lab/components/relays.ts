import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host } from '../hosts/host.js'
import type { Lab } from '../hosts/lab.js'
import type { LabProcess } from '../hosts/lab-process.js'

/** haproxy with these front and back ends, and times that a load balancer might have. @param port that it listens on */
export async function startHaproxy(
  lab: Lab,
  host: Host,
  port: number,
  sections: string,
): Promise<LabProcess> {
  const file = join(lab.dir, `haproxy-${host.name}-${port}.cfg`)
  await writeFile(
    file,
    `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 5s\n  timeout server 5s\n${sections}\n`,
  )
  const haproxy = await host.spawn('haproxy', ['-db', '-f', file])
  await host.waitForPort(haproxy, port)
  return haproxy
}

/** nginx as a relay, with this configuration behind its general part. @param port that it listens on */
export async function startNginxRelay(
  lab: Lab,
  host: Host,
  port: number,
  sections: string,
): Promise<LabProcess> {
  const dir = join(lab.dir, `nginx-relay-${host.name}-${port}`)
  await mkdir(dir, { recursive: true })
  const file = join(dir, 'nginx.conf')
  await writeFile(
    file,
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;
user root root;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr warn;
events { worker_connections 4096; }
${sections}
`,
  )
  const nginx = await host.spawn('nginx', ['-c', file, '-e', 'stderr', '-g', 'daemon off;'])
  await host.waitForPort(nginx, port)
  return nginx
}

/** The `http` part of an nginx that passes upgrades on, with a buffer for more than one packet. @param tls lines that make a server speak TLS @default none */
export function webSocketSections(dir: string, port: number, backend: string, tls = ''): string {
  const tempPaths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `http {
  ${tempPaths.map((name) => `${name}_temp_path ${dir}/${name};`).join('\n  ')}
  access_log off;
  server {
    listen ${port}${tls === '' ? '' : ' ssl'};
    ${tls}
    location / {
      proxy_pass ${backend};
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_buffering off;
      proxy_buffer_size 64k;
      proxy_buffers 8 64k;
      proxy_read_timeout 60s;
    }
  }
}`
}
