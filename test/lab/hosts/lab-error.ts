type LabErrorCode =
  | 'ERR_LAB_COMMAND'
  | 'ERR_LAB_DEADLINE'
  | 'ERR_LAB_EXITED'
  | 'ERR_LAB_CLOSED'
  | 'ERR_LAB_SETTING'

/** What went wrong in the lab itself, with the output of the program it happened to in the message. */
export class LabError extends Error {
  readonly code: LabErrorCode

  constructor(code: LabErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'LabError'
    this.code = code
  }
}
