import { DIMENSIONS, type Assignment, type BatchProblem } from './problem.ts';
import { draw, type Room } from './room.ts';

/** An assignment under way. Options that draw on the same pool, or else take places of the same slot, are a group. */
export interface State extends Room {
  /** By job: its option, or -1. */
  readonly chosen: Int32Array;
  /** By slot. */
  readonly group: Int32Array;
  // The jobs of a group as a list that is linked both ways; -1: the end.
  readonly head: Int32Array;
  readonly next: Int32Array;
  readonly previous: Int32Array;
  /** What was changed, so that it can be taken back: a job, the option that it had, and so on. */
  readonly journal: number[];
  /** Options and jobs looked at so far: the measure of work. */
  steps: number;
}

export function openState(problem: BatchProblem, chosen: Int32Array): State {
  const { jobs, slotRoom, slotPool, poolRoom } = problem;
  const pools = poolRoom.length / DIMENSIONS;
  const state: State = {
    problem,
    chosen: new Int32Array(jobs).fill(-1),
    slotFree: slotRoom.slice(),
    poolFree: poolRoom.slice(),
    group: slotPool.map((pool, slot) => (pool >= 0 ? pool : pools + slot)),
    head: new Int32Array(pools + slotRoom.length).fill(-1),
    next: new Int32Array(jobs).fill(-1),
    previous: new Int32Array(jobs).fill(-1),
    journal: [],
    steps: 0,
  };
  for (let job = 0; job < jobs; job += 1) assign(state, job, chosen[job] as number);
  return state;
}

/** Gives a job another option, or none (-1). Does not ask whether there is room. */
export function assign(state: State, job: number, option: number): void {
  const old = state.chosen[job] as number;
  if (old === option) return;
  state.journal.push(job, old);
  move(state, job, old, option);
}

/** Takes back everything since the journal was `length` long. */
export function takeBack(state: State, length: number): void {
  const { journal, chosen } = state;
  while (journal.length > length) {
    const old = journal.pop() as number;
    const job = journal.pop() as number;
    move(state, job, chosen[job] as number, old);
  }
}

export function assignmentOf({ problem, chosen }: State): Assignment {
  let placed = 0;
  let cost = 0;
  for (const option of chosen) {
    if (option < 0) continue;
    placed += 1;
    cost += problem.cost[option] as number;
  }
  return { chosen: chosen.slice(), placed, cost };
}

function move(state: State, job: number, from: number, to: number): void {
  const { problem, chosen, group } = state;
  if (from >= 0) {
    draw(state, from, -1);
    unlink(state, job, group[problem.slot[from] as number] as number);
  }
  chosen[job] = to;
  if (to >= 0) {
    draw(state, to, 1);
    link(state, job, group[problem.slot[to] as number] as number);
  }
}

function link({ head, next, previous }: State, job: number, group: number): void {
  const first = head[group] as number;
  next[job] = first;
  previous[job] = -1;
  if (first >= 0) previous[first] = job;
  head[group] = job;
}

function unlink({ head, next, previous }: State, job: number, group: number): void {
  const after = next[job] as number;
  const before = previous[job] as number;
  if (before >= 0) next[before] = after;
  else head[group] = after;
  if (after >= 0) previous[after] = before;
}
