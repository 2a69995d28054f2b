import { type LadderStep, synchronousStep } from './ladder-step.js'

/** What the measuring itself costs. */
export const EMPTY_LOOP: LadderStep = {
  name: 'empty loop',
  operation: 'call',
  bytesPerOperation: 0,
  async prepare() {
    return synchronousStep(() => {})
  },
}
