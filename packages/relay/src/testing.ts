export { UNFINISHED_LIMITS, type UnfinishedLimits } from './unfinished-connections.js'
