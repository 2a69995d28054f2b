import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import type { Narrator } from '../narrator.js'
import { cutInTheMiddle } from './cut-scene.js'
import { helloOver } from './egress-caller.js'
import { type Stage, TARGET_NAME } from './stage.js'

interface Scene {
  readonly title: string
  play(stage: Stage, narrator: Narrator): Promise<void>
}

const CONNECTS = 200
const TRANSFER_BYTES = 100_000_000
const NO_RIGHTS = '0'.repeat(16)

/** The whole play, in order. */
export const SCENES: readonly Scene[] = [
  { title: 'Both daemons start without any right', play: start },
  { title: 'A CONNECT of the control plane becomes a stream', play: connect },
  { title: 'A name is looked up in the private network', play: lookUp },
  { title: 'What must not be reached is refused, with the reason', play: refuse },
  { title: `${CONNECTS} CONNECTs at once`, play: connectMany },
  { title: '100 MB each way', play: transfer },
  { title: 'The connections of the tunnel are cut in the middle of a download', play: cutInTheMiddle },
  { title: 'The end', play: end },
]

async function start(stage: Stage, narrator: Narrator): Promise<void> {
  const beganMs = performance.now()
  await stage.start()
  const daemons = { 'seed-server': stage.seedServer, 'shoot-client': stage.shootClient }
  for (const [name, daemon] of Object.entries(daemons)) {
    const { body } = await daemon.waitUntilReady()
    narrator.proved(`${name}: /readyz says "${body.trim()}"`)
  }
  narrator.note('both ready, with new certificates', `${seconds(beganMs)} s`)
  narrator.aside(`They run as ${stage.user.description}.`)
  for (const [name, daemon] of Object.entries(daemons)) {
    const rights = daemon.kernelStatus('CapEff')
    if (!stage.user.isRoot) assert.equal(rights, NO_RIGHTS, `CapEff of the ${name}`)
    const { carries, tun } = await daemon.status()
    assert.deepEqual({ carries, tun }, { carries: ['streams'], tun: null }, `/status of the ${name}`)
    narrator.proved(`${name}: CapEff ${rights}, no TUN, carries ${carries}`)
  }
}

async function connect(stage: Stage, narrator: Narrator): Promise<void> {
  const beganMs = performance.now()
  const answer = await stage.caller.hello(stage.target)
  const tookMs = performance.now() - beganMs
  assert.equal(answer, `hello from ${stage.address}`)
  narrator.proved(`CONNECT ${stage.target}: "${answer}"`)
  narrator.note('one CONNECT with its TLS, and a request', `${tookMs.toFixed(1)} ms`)
}

async function lookUp(stage: Stage, narrator: Narrator): Promise<void> {
  const target = `${TARGET_NAME}:${stage.targetPort}`
  assert.equal(await stage.caller.hello(target), `hello from ${stage.address}`)
  narrator.proved(`CONNECT ${target}: "hello from ${stage.address}"`)
  narrator.aside(
    'Only the name server that the shoot-client asks knows that name; it has one of its own here.',
  )
  const { status, reason } = await stage.caller.refusal(`no-such-${target}`)
  assert.match(`${status} ${reason}`, /^502 name has no address/)
  narrator.proved(`CONNECT no-such-${target}: ${status} "${reason}"`)
}

async function refuse(stage: Stage, narrator: Narrator): Promise<void> {
  const beyond = `${stage.refusedByShoot.replace(/0\/24$/, '1')}:443`
  const { networks } = await stage.seedServer.status()
  const { pod } = networks as { readonly pod: readonly string[] }
  assert.deepEqual(pod, [stage.refusedByShoot], 'what the seed-server allows beside the target')
  const cases = [
    { what: 'refused on the seed side, loopback', target: `127.0.0.1:${stage.targetPort}` },
    { what: 'allowed there, refused by the shoot-client', target: beyond },
    { what: 'a name of the loopback address', target: `localhost:${stage.targetPort}` },
  ]
  for (const { what, target } of cases) {
    const { status, reason } = await stage.caller.refusal(target)
    assert.equal(status, 403, `CONNECT ${target}: ${reason}`)
    assert.match(reason, /^prohibited/)
    narrator.proved(`CONNECT ${target}: 403 "${reason}" (${what})`)
  }
}

async function connectMany({ caller, seedServer, target }: Stage, narrator: Narrator): Promise<void> {
  const beganMs = performance.now()
  const sockets = await Promise.all(Array.from({ length: CONNECTS }, () => caller.open(target)))
  const tookS = seconds(beganMs)
  assert.equal(await seedServer.metric('seed_server_egress_open_streams'), CONNECTS, 'streams open at once')
  narrator.proved(`All of them are open: seed_server_egress_open_streams is ${CONNECTS}.`)
  const answers = new Set(await Promise.all(sockets.map((socket) => helloOver(socket))))
  assert.equal(answers.size, 1, [...answers].join(', '))
  narrator.proved(`All of them are answered: "${[...answers]}".`)
  narrator.note(`${CONNECTS} CONNECTs at once, until all are open`, `${tookS} s`)
}

async function transfer({ caller, target }: Stage, narrator: Narrator): Promise<void> {
  for (const { name, run } of [
    { name: 'download', run: () => caller.download(target, TRANSFER_BYTES) },
    { name: 'upload', run: () => caller.upload(target, TRANSFER_BYTES) },
  ]) {
    const beganMs = performance.now()
    const { sent, received } = await run()
    const megabytes = TRANSFER_BYTES / 1e3 / (performance.now() - beganMs)
    assert.equal(received.bytes, TRANSFER_BYTES, `bytes of the ${name}`)
    assert.deepEqual(received, sent, `the ${name}`)
    narrator.proved(`${name}: ${received.bytes} bytes, sha256 ${received.sha256} at both ends`)
    narrator.note(name, `${megabytes.toFixed(0)} MB/s, both hashes made in the demo's own process`)
  }
}

async function end(stage: Stage, narrator: Narrator): Promise<void> {
  const codes = await stage.end()
  assert.deepEqual(codes, [0, 0], 'exit codes of the daemons')
  narrator.proved('Both daemons ended with 0 on SIGTERM.')
  assert.deepEqual(await stage.leftovers(), [], 'what is left')
  narrator.proved(`All ${stage.ports} ports are free again, no process and no file is left.`)
}

function seconds(beganMs: number): string {
  return ((performance.now() - beganMs) / 1000).toFixed(1)
}
