import { parseArgs } from 'node:util'
import { runCommand } from '@reversed-vpn/test/lab'
import { invitation } from './invitation.js'
import { Narrator } from './narrator.js'
import { SCENES } from './scenes.js'
import { Stage } from './stage.js'

const HELP = `Usage: npm run demo [-- --keep]

Shows the reversed VPN at work on this machine alone: hosts in network namespaces, a private
network among them, and both daemons with real programs around them. Takes about half a minute,
needs root, and leaves nothing behind.

  --keep   leave everything standing at the end and print what to try; Ctrl-C takes it down
  --help   this text

Exit code: 0 when every step held, 1 when one did not, 2 for an unknown option, 130 after Ctrl-C.
`

const DRAWING = `
 control plane                                                  private network (the "shoot")
 caller --- seed ------------ internet ---------------- node --- pod1, pod2, node2
            seed-server          |                      shoot-client
            egress proxy      gateway (HTTP CONNECT)    dials out, nobody dials in`

const LOG_LINES = 15

/** Plays all scenes. Returns whether all of them succeeded. */
async function play(stage: Stage, narrator: Narrator): Promise<boolean> {
  for (const scene of SCENES) {
    narrator.heading(scene.title)
    try {
      await scene.play(stage, narrator)
    } catch (error) {
      narrator.failed(`FAILED in step "${scene.title}": ${error instanceof Error ? error.message : error}`)
      narrator.say(stage.lastLines(LOG_LINES))
      return false
    }
  }
  narrator.table()
  return true
}

async function keepStanding(stage: Stage, narrator: Narrator): Promise<never> {
  // Ctrl-C is how this ends as it should.
  interruptedExitCode = 0
  narrator.say('\nEverything still stands. In another shell, as root:\n')
  narrator.say(invitation(stage))
  narrator.say('Ctrl-C takes it all down.')
  return new Promise(() => setInterval(() => undefined, 2 ** 30))
}

async function run(isKept: boolean): Promise<number> {
  const narrator = new Narrator()
  narrator.say('A control plane reaches pods, nodes and services of a private network')
  narrator.say('over a tunnel that was dialled from inside that network.')
  narrator.aside(DRAWING)
  let namespaces = ''
  {
    await using stage = await Stage.create()
    namespaces = stage.lab.id
    if (!(await play(stage, narrator))) return 1
    if (isKept) return await keepStanding(stage, narrator)
  }
  const { stdout } = await runCommand('ip', ['netns', 'list'])
  if (stdout.includes(namespaces)) {
    narrator.failed(`FAILED: namespaces were left behind:\n${stdout}`)
    return 1
  }
  narrator.say('\nAll of it worked, and all of it is gone again.')
  return 0
}

function readArguments(): { readonly keep: boolean; readonly help: boolean } | undefined {
  try {
    const { values } = parseArgs({ options: { keep: { type: 'boolean' }, help: { type: 'boolean' } } })
    return { keep: values.keep ?? false, help: values.help ?? false }
  } catch (error) {
    process.stderr.write(`demo: ${(error as Error).message}\n`)
    return undefined
  }
}

let interruptedExitCode = 130

async function main(): Promise<number> {
  const given = readArguments()
  if (given === undefined) return 2
  if (given.help) {
    process.stdout.write(HELP)
    return 0
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write('demo: network namespaces need root\n')
    return 1
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    // On the way out the lab takes down whatever stands.
    process.once(signal, () => process.exit(interruptedExitCode))
  }
  return run(given.keep)
}

process.exitCode = await main()
