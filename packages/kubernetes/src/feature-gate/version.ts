import { parse } from 'semver'

/** Major and minor version of Kubernetes or Gardener, which decide what features it has. */
export interface Version {
  readonly major: number
  readonly minor: number
}

export const VERSION_SYNTAX = 'a version such as 1.30 or v1.30.2'

/**
 * Parses `1.30`, `1.30.2`, `v1.18.0-rc.1`; undefined for anything else. A release candidate counts as its release, because it has
 * the same features.
 */
export function parseVersion(text: string): Version | undefined {
  const match = /^v?(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?([-+].{1,100})?$/.exec(text)
  if (match === null) return undefined
  const [, major, minor, patch = '0', suffix = ''] = match
  const version = parse(`${major}.${minor}.${patch}${suffix}`)
  return version === null ? undefined : { major: version.major, minor: version.minor }
}

/** Whether `version` is `major.minor` or newer. */
export function isAtLeast(version: Version, major: number, minor: number): boolean {
  return version.major > major || (version.major === major && version.minor >= minor)
}

export function formatVersion({ major, minor }: Version): string {
  return `${major}.${minor}`
}
