export type { AdmissionLimits } from './admission.js'
export { sourceOf } from './socket-address.js'
