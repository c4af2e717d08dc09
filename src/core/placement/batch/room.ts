import { DIMENSIONS, type BatchProblem } from './problem.ts';

/** What is left of everything. */
export interface Room {
  readonly problem: BatchProblem;
  /** By slot: places. */
  readonly slotFree: Int32Array;
  /** By pool, DIMENSIONS numbers. */
  readonly poolFree: Float64Array;
}

/** Counts the room of an option down (1), or up again (-1). */
export function draw({ problem, slotFree, poolFree }: Room, option: number, sign: 1 | -1): void {
  const { slot, places, slotPool, draws } = problem;
  const where = slot[option] as number;
  slotFree[where] = (slotFree[where] as number) - sign * (places[option] as number);
  const pool = slotPool[where] as number;
  if (pool < 0) return;
  for (let d = 0; d < DIMENSIONS; d += 1) {
    const at = pool * DIMENSIONS + d;
    poolFree[at] = (poolFree[at] as number) - sign * (draws[option * DIMENSIONS + d] as number);
  }
}

export function fits({ problem, slotFree, poolFree }: Room, option: number): boolean {
  const { slot, places, slotPool, draws } = problem;
  const where = slot[option] as number;
  if ((slotFree[where] as number) < (places[option] as number)) return false;
  const pool = slotPool[where] as number;
  if (pool < 0) return true;
  for (let d = 0; d < DIMENSIONS; d += 1) {
    if ((poolFree[pool * DIMENSIONS + d] as number) < (draws[option * DIMENSIONS + d] as number))
      return false;
  }
  return true;
}

/** Would it fit if the holder of `other`, an option of the same pool or slot, left? */
export function fitsWithout({ problem, slotFree, poolFree }: Room, option: number, other: number): boolean {
  const { slot, places, slotPool, draws } = problem;
  const where = slot[option] as number;
  const given = slot[other] === where ? (places[other] as number) : 0;
  if ((slotFree[where] as number) + given < (places[option] as number)) return false;
  const pool = slotPool[where] as number;
  if (pool < 0) return true;
  for (let d = 0; d < DIMENSIONS; d += 1) {
    const left = (poolFree[pool * DIMENSIONS + d] as number) + (draws[other * DIMENSIONS + d] as number);
    if (left < (draws[option * DIMENSIONS + d] as number)) return false;
  }
  return true;
}

/** Is more given away than there is of what an option draws on? */
export function oversold({ problem, slotFree, poolFree }: Room, option: number): boolean {
  const where = problem.slot[option] as number;
  if ((slotFree[where] as number) < 0) return true;
  const pool = problem.slotPool[where] as number;
  if (pool < 0) return false;
  for (let d = 0; d < DIMENSIONS; d += 1) {
    if ((poolFree[pool * DIMENSIONS + d] as number) < 0) return true;
  }
  return false;
}
