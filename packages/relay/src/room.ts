const MIB = 2 ** 20
/** The part of the memory that is for what connections of bulk hold beyond what each may always. */
const EXTRA_PART = 1 / 8
const POD_STEP_BYTES = 64 * MIB
/** One to each side. */
const CONNECTION_DESCRIPTORS = 2

/** What the joined connections of a port cost, and the process beside them. Memory in bytes. */
interface RoomCosts {
  /** Of the process without them, generously. */
  readonly processBytes: number
  /** Of one, both sides, while it holds what it always may. */
  readonly connectionBytes: number
  /** Of each byte that one of bulk holds beyond that. */
  readonly bytesOfExtraByte: number
  /** However much there is. */
  readonly maxConnections: number
  /** For how many a pod has memory. */
  readonly podConnections: number
}

/** How much memory and how many connections a port may take, and what a pod needs for it: one formula for all of it. */
export class Room {
  readonly #costs: RoomCosts

  constructor(costs: RoomCosts) {
    this.#costs = costs
  }

  /** How much memory all connections may take. @param memoryBytes of the cgroup; 0 where there is no limit */
  memory(memoryBytes: number): number {
    const enough = this.#memoryOf(this.#costs.maxConnections)
    if (memoryBytes === 0) return enough
    return Math.floor(Math.min(enough, Math.max(memoryBytes / 4, memoryBytes - this.#costs.processBytes)))
  }

  /** How many connections there is room for, at least one. @param memoryMax bytes, for all of them */
  connections(descriptors: number, memoryMax: number): number {
    const byDescriptors = descriptors / CONNECTION_DESCRIPTORS
    const byMemory = (memoryMax * (1 - EXTRA_PART)) / this.#costs.connectionBytes
    return Math.max(1, Math.floor(Math.min(this.#costs.maxConnections, byDescriptors, byMemory)))
  }

  /** How many bytes connections of bulk may hold beyond what each may always. @param memoryMax bytes, for all of them */
  bulk(memoryMax: number): number {
    return Math.floor((memoryMax * EXTRA_PART) / this.#costs.bytesOfExtraByte)
  }

  /** What a pod gets, in bytes. */
  pod(): number {
    const { processBytes, podConnections } = this.#costs
    return Math.ceil((processBytes + this.#memoryOf(podConnections)) / POD_STEP_BYTES) * POD_STEP_BYTES
  }

  #memoryOf(connections: number): number {
    return Math.ceil((connections * this.#costs.connectionBytes) / (1 - EXTRA_PART))
  }
}
