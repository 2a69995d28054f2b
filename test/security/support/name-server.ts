import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Host, Lab, LabProcess } from '@reversed-vpn/test/lab'

/** dnsmasq as the name server of a host, whose answers change when the test says so and are good for no time. */
export class NameServer {
  readonly #program: LabProcess
  readonly #file: string

  static async start(lab: Lab, host: Host): Promise<NameServer> {
    const file = join(lab.dir, `names-${host.name}`)
    await writeFile(file, '')
    const program = await host.spawn('dnsmasq', [
      ...['--keep-in-foreground', '--user=root', '--pid-file', '--conf-file=/dev/null'],
      ...['--no-resolv', '--no-hosts', '--listen-address=127.0.0.1', '--bind-interfaces'],
      ...['--log-queries', '--log-facility=-', '--local-ttl=0', `--addn-hosts=${file}`],
    ])
    await host.waitForPort(program, 53, { protocol: 'udp' })
    return new NameServer(program, file)
  }

  private constructor(program: LabProcess, file: string) {
    this.#program = program
    this.#file = file
  }

  /** From now on `name` has these addresses, and no other name has any. */
  async answer(name: string, addresses: readonly string[]): Promise<void> {
    await writeFile(this.#file, addresses.map((address) => `${address} ${name}\n`).join(''))
    const fromLine = this.#program.output.length
    this.#program.kill('SIGHUP')
    await this.#program.waitForLine(/ read .*names-/, { fromLine })
  }

  /** How often it was asked for an IPv4 address of that name. */
  questions(name: string): number {
    return this.#program.output.filter(({ text }) => text.includes(`query[A] ${name} `)).length
  }
}
