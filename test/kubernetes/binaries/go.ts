import { type CommandResult, mustRunCommand, runCommand } from '@reversed-vpn/test/lab'
import { MissingPiece } from '../support/cache.js'

const BUILD_DEADLINE_MS = 1_800_000
const ENV = {
  CGO_ENABLED: '0',
  // What is installed or nothing: no other Go is downloaded on the way.
  GOTOOLCHAIN: 'local',
  GOWORK: 'off',
}

/** Runs `go` in the folder of a module. @throws LabError with its output when it fails */
export function go(cwd: string, args: readonly string[]): Promise<CommandResult> {
  return mustRunCommand('go', args, { cwd, env: ENV, deadlineMs: BUILD_DEADLINE_MS })
}

/**
 * @param command that the version is for
 * @returns what `go env GOVERSION` says, such as go1.26.8
 * @throws MissingPiece when it is older than `least`, or not there
 */
export async function goVersion(least: string, command: string): Promise<string> {
  const install = `${command} needs Go >= ${least}: install it from https://go.dev/dl`
  const result = await runCommand('go', ['env', 'GOVERSION'], { env: ENV }).catch(() => undefined)
  if (result === undefined) throw new MissingPiece(`no go in PATH; ${install}`)
  const version = result.stdout.trim()
  if (compareVersions(version.replace(/^go/, ''), least) < 0) {
    throw new MissingPiece(`go in PATH is ${version || result.stderr.trim()}; ${install}`)
  }
  return version
}

/** As a comparator of sort does; what is no number counts as 0. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) =>
    version.split(/[.-]/).map((part) => Number.parseInt(part, 10) || 0),
  )
  return [0, 1, 2].map((n) => (a?.[n] ?? 0) - (b?.[n] ?? 0)).find((difference) => difference !== 0) ?? 0
}
