import { FlowRates } from './flow-rates.js'
import { LaneRoles } from './lane-roles.js'

/** What all lanes of a session share of the flows they carry. */
export class FlowTable {
  readonly rates = new FlowRates()
  readonly roles = new LaneRoles()
}
