import { binOf } from '@reversed-vpn/test/lab'
import t from 'tap'
import { readMachine } from '../e2e/support/machine.js'
import { TunnelLab } from '../e2e/support/tunnel-lab.js'

t.test(
  'a daemon whose interface is deleted ends with one line that says so, and leaves nothing that setup --undo cannot take',
  async (t) => {
    await using stage = await TunnelLab.create()
    const { seed: seedHost, node } = stage.hosts
    const before = { seed: await readMachine(seedHost), node: await readMachine(node) }
    const { seed, client } = await stage.startBoth()

    await node.mustRun('ip', ['link', 'delete', 'vpn0'])
    t.equal((await client.process.exited).code, 1)
    t.equal(client.logs.filter(({ level }) => level === 'fatal').length, 1)
    t.match(JSON.stringify(client.logs.find(({ level }) => level === 'fatal')), /EBADFD/)
    await node.mustRun(binOf('shoot-client'), ['setup', '--undo'])
    t.same(await readMachine(node), before.node)

    await seedHost.mustRun('ip', ['link', 'delete', 'vpn0'])
    await stage.startClient()
    t.equal((await seed.process.exited).code, 1)
    t.equal(seed.logs.filter(({ level }) => level === 'fatal').length, 1)
    await seedHost.mustRun(binOf('seed-server'), ['setup', '--undo'])
    t.same(await readMachine(seedHost), before.seed)
  },
)
