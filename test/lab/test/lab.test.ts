import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { newLabId } from '../hosts/lab-id.js'
import { Lab, LabProcess } from '../index.js'

const OWNER = fileURLToPath(new URL('lab-owner.js', import.meta.url))

t.test('two labs at once do not see each other', async (t) => {
  await using first = await Lab.create()
  await using second = await Lab.create()
  await first.hosts.seed.ip(['link add name only0 type veth peer name only1'])

  const ping = ['-c1', '-W20', second.hosts.seed.addresses.ipv4]
  t.equal((await first.hosts.caller.run('ping', ping)).code, 0, 'the same addresses answer in the first')
  t.equal((await second.hosts.caller.run('ping', ping)).code, 0, 'and in the second')
  t.equal(
    (await second.hosts.seed.run('ip', ['link', 'show', 'only0'])).code,
    1,
    'what one changes the other does not have',
  )
})

t.test('a closed lab leaves no namespace, no program and no file', async (t) => {
  const lab = await Lab.create()
  const program = await lab.hosts.pod1.spawn('sh', ['-c', 'trap "" TERM; sleep 1000 & echo child $!; wait'])
  const [, child = ''] = await program.waitForLine(/child (\d+)/)
  t.strictSame([namesWith(lab.id).length > 0, isAlive(Number(child))], [true, true])

  await Promise.all([lab.close(), lab.close()])

  t.strictSame(namesWith(lab.id), [])
  t.notOk(existsSync(lab.dir))
  t.notOk(isAlive(program.pid) || isAlive(Number(child)), 'not even one that does not listen to SIGTERM')
})

t.test('an exception in the middle of a test takes the lab down', async (t) => {
  let id = ''
  await t.rejects(async () => {
    await using lab = await Lab.create()
    id = lab.id
    throw new Error('the test failed')
  }, /the test failed/)
  t.not(id, '')
  t.strictSame(namesWith(id), [])
})

for (const ending of ['SIGINT', 'SIGTERM', 'uncaught'] as const) {
  t.test(`a process that ends by ${ending} takes its lab with it`, async (t) => {
    await using owner = await LabProcess.start(process.execPath, [OWNER, ending])
    const [, id = '', program = ''] = await owner.waitForLine(/^lab (\S+) program (\d+)/)
    if (ending !== 'uncaught') owner.kill(ending)
    const { code, signal } = await owner.exited

    t.equal(ending === 'uncaught' ? code : signal, ending === 'uncaught' ? 1 : ending)
    t.strictSame(namesWith(id), [])
    t.notOk(isAlive(Number(program)))
  })
}

t.test('a sweep removes the lab of a killed process, and no other', async (t) => {
  await using mine = await Lab.create()
  await using owner = await LabProcess.start(process.execPath, [OWNER, 'SIGKILL'])
  const [, id = '', program = ''] = await owner.waitForLine(/^lab (\S+) program (\d+)/)
  t.notMatch(Lab.sweep(), [id], 'a lab in use is not swept')
  owner.kill('SIGKILL')
  await owner.exited
  t.not(namesWith(id).length, 0, 'SIGKILL leaves it behind')

  t.match(Lab.sweep(), [id])

  t.strictSame(namesWith(id), [])
  t.notOk(isAlive(Number(program)))
  t.equal((await mine.hosts.caller.run('ping', ['-c1', '-W20', 'seed'])).code, 0)
})

t.test('a wait that fails shows what the program said', async (t) => {
  await using program = await LabProcess.start('sh', ['-c', 'echo first; echo second >&2; exit 3'])
  await t.rejects(program.waitForLine(/third/), { code: 'ERR_LAB_EXITED', message: /first\n.*second/ })
  await using silent = await LabProcess.start('sleep', ['100'])
  await t.rejects(silent.waitForLine(/anything/, { deadlineMs: 50 }), { code: 'ERR_LAB_DEADLINE' })
})

t.test('nothing of a lab shows in the network namespace of the machine', async (t) => {
  const before = linkNames()
  await using lab = await Lab.create()
  t.ok(lab.id.startsWith(newLabId().split('-', 2).join('-')))
  t.strictSame(linkNames(), before)
})

function namesWith(id: string): string[] {
  return ['/run/netns', '/etc/netns'].flatMap((dir) => readdirSync(dir)).filter((name) => name.startsWith(id))
}

function linkNames(): string[] {
  return readdirSync('/sys/class/net').sort()
}

/** A zombie has ended. */
function isAlive(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' })
  return stdout.trim() !== '' && !stdout.startsWith('Z')
}
