export type { LaneLink, StreamLane } from './lane-link.js'
