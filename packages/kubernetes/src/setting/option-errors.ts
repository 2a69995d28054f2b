import type { UsageError } from '@reversed-vpn/daemon'

/** Makes errors about options, as opposed to errors in a file. */
export interface OptionErrors {
  readonly optionError: (flag: string, problem: string) => UsageError
}
