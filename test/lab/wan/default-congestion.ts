import type { Host } from '../hosts/host.js'

/**
 * Has every new connection over the routes that a host has now use a congestion control, unless its program chooses another. By
 * routes and not by a sysctl: a namespace's sysctl takes only what the machine lets everyone use.
 *
 * @throws LabError when the kernel has no congestion control of that name
 */
export async function setDefaultCongestion(host: Host, name: string): Promise<void> {
  const shown = await Promise.all(
    ['-4', '-6'].map((family) => host.mustRun('ip', [family, 'route', 'show', 'table', 'main'])),
  )
  // What `ip` shows of a route is what it takes to make it again.
  const routes = shown.flatMap(({ stdout }) => stdout.split('\n').filter((line) => / dev /.test(line)))
  await host.ip(routes.map((route) => `route replace ${route} congctl ${name}`))
}
