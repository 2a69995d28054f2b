import { type Test, test } from 'tap'
import { testLife } from './contract-life.js'
import { testReading } from './contract-read.js'
import { testWriting } from './contract-write.js'
import type { CreateTunLab } from './tun-lab.js'

/** The contract of `TunDevice` and `TunQueue`, run against one implementation. */
export function testTunContract(implementation: string, createLab: CreateTunLab): void {
  const run = (part: (t: Test, createLab: CreateTunLab) => void) => async (t: Test) => part(t, createLab)
  test(`${implementation} keeps the reader's contract`, run(testReading))
  test(`${implementation} keeps the writer's contract`, run(testWriting))
  test(`${implementation} keeps the contract of queues and polling`, run(testLife))
}
