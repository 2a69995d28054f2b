import { type LadderStep, synchronousStep } from './ladder-step.js'
import { sampleChecker } from './sample-checker.js'

/** Checks one packet and rebuilds its header, as each side does for every packet. */
export function packetCheck(name: string, frame: Buffer): LadderStep {
  return {
    name,
    operation: 'packet',
    bytesPerOperation: frame.length,
    async prepare() {
      const checker = sampleChecker()
      return synchronousStep(() => {
        const verdict = checker.check(frame, 0, frame.length, frame.length)
        if (verdict !== 0) throw new Error(`the sample packet was refused, verdict ${verdict}`)
      })
    },
  }
}
