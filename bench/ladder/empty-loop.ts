import { type LadderStep, synchronousStep } from './ladder-step.js'

/** The cost of measuring. */
export const EMPTY_LOOP: LadderStep = {
  name: 'empty loop',
  operation: 'call',
  bytesPerOperation: 0,
  async prepare() {
    return synchronousStep(() => {})
  },
}
