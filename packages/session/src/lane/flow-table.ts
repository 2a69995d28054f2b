import { FlowRates } from './flow-rates.js'
import { LaneRoles } from './lane-roles.js'

/** What all lanes of a session share of the flows they carry, whichever threads they are on. */
export class FlowTable {
  readonly memory: SharedArrayBuffer
  readonly rates: FlowRates
  readonly roles: LaneRoles

  /** @param memory of another one, whose views these are then, too */
  constructor(memory = new SharedArrayBuffer(FlowRates.BYTES + LaneRoles.BYTES)) {
    this.memory = memory
    this.rates = new FlowRates(memory)
    this.roles = new LaneRoles(memory, FlowRates.BYTES)
  }
}
