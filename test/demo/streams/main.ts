import { setTimeout as pause } from 'node:timers/promises'
import { Narrator } from '../narrator.js'
import { ownAddress } from './addresses.js'
import { SCENES } from './scenes.js'
import { Stage } from './stage.js'

const HELP = `Usage: npm run demo:streams

Shows --carry streams at work: both daemons on loopback, as any user, without a capability, TUN,
route, firewall or network namespace. Takes half a minute at most and leaves nothing behind. It needs
openssl, and an IPv4 address of this machine beside loopback. Where root runs it, the daemons
are user 65534.

  --help   this text

Exit code: 0 when every step held, 1 when one did not, 2 for an unknown option, 130 after Ctrl-C.
`

const DRAWING = `
 control plane                                            private network (the "shoot")
 caller -- CONNECT -- seed-server -- tunnel on loopback -- shoot-client -- plain socket -- target`

const LOG_LINES = 15
const SCENE_DEADLINE_MS = 120_000

/** Plays all scenes. Returns whether all of them succeeded. */
async function play(stage: Stage, narrator: Narrator): Promise<boolean> {
  for (const scene of SCENES) {
    narrator.heading(scene.title)
    try {
      await Promise.race([scene.play(stage, narrator), tooLate()])
    } catch (error) {
      narrator.failed(`FAILED in step "${scene.title}": ${error instanceof Error ? error.message : error}`)
      narrator.say(stage.lastLines(LOG_LINES))
      return false
    }
  }
  narrator.table()
  return true
}

async function tooLate(): Promise<never> {
  await pause(SCENE_DEADLINE_MS, undefined, { ref: false })
  throw new Error(`not done after ${SCENE_DEADLINE_MS / 1000} s`)
}

async function run(address: string): Promise<number> {
  const narrator = new Narrator()
  narrator.say('A control plane reaches a private network by streams, without a TUN and without any right.')
  narrator.aside(DRAWING)
  await using stage = new Stage(address)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      stage.abandon()
      process.exit(130)
    })
  }
  if (!(await play(stage, narrator))) return 1
  narrator.say('\nAll of it worked, and all of it is gone again.')
  return 0
}

async function main([argument]: readonly string[]): Promise<number> {
  if (argument === '--help') {
    process.stdout.write(HELP)
    return 0
  }
  if (argument !== undefined) {
    process.stderr.write(`demo: unknown argument ${argument}; there is only --help\n`)
    return 2
  }
  const address = ownAddress()
  if (address === undefined) {
    process.stderr.write(
      'demo: this machine has no IPv4 address beside loopback, which is never dialled into a shoot\n',
    )
    return 1
  }
  return run(address)
}

process.exitCode = await main(process.argv.slice(2))
