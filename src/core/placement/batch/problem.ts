/** One contended batch as numbers: jobs, the ways to place each, and what each way takes. */
export interface BatchProblem {
  readonly jobs: number;
  /** Options of job j: indexes first[j] … first[j+1]-1, cheapest first. */
  readonly first: Int32Array;
  /** By option: expected cost to finish; any unit, finite, >= 0. */
  readonly cost: Float64Array;
  /** By option: the slot (offer) that it takes places of. */
  readonly slot: Int32Array;
  /** By option: how many places (nodes of the job; mostly 1). */
  readonly places: Int32Array;
  /** By slot: places free. */
  readonly slotRoom: Int32Array;
  /** By slot: the pool that it draws on, or -1. */
  readonly slotPool: Int32Array;
  /** By option, DIMENSIONS numbers: GPUs, CPU millis, MiB drawn from the pool (0 where there is none). Whole: no rounding. */
  readonly draws: Float64Array;
  /** By pool, DIMENSIONS numbers: free. */
  readonly poolRoom: Float64Array;
}

export const DIMENSIONS = 3;

export interface Assignment {
  /** By job: the index of its option, or -1. */
  readonly chosen: Int32Array;
  readonly placed: number;
  readonly cost: number;
}
