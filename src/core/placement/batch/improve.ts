import { attempt } from './attempt.ts';
import { insert, openChains } from './chain.ts';
import { chanceOf } from './chance.ts';
import type { Assignment, BatchProblem } from './problem.ts';
import { assignmentOf, openState } from './state.ts';

export interface Improved {
  readonly assignment: Assignment;
  /** Options and jobs looked at: at most `budget`, and what one job has to look at. */
  readonly steps: number;
}

/** Steps for one batch: what 500 jobs of some hundred options each need; in the order of 30 ms. */
export const BUDGET = 1_000_000;

/** So many fruitless attempts for each job, and there is probably nothing more to find. */
const PATIENCE = 40;
/** The same while somebody has no place, who may be worth more than a better price for others. */
const PATIENCE_WHILE_WAITING = 80;

/**
 * A better assignment of a contended batch, from one that exists (`assignGreedily`): more jobs placed if that can be
 * done by moving others, then at less cost. Whoever `start` places stays placed. Never fewer jobs, nor as many at more
 * cost. The same numbers give the same answer: work is counted in steps, never in time.
 *
 * Each job without a place is inserted by a chain (chain.ts), then attempt after attempt (attempt.ts) until the budget
 * or the patience is at its end. Tried without gain over this: simulated annealing, restarts, a descent by chains alone
 * (which took most of the budget of a large batch).
 */
export function improve(problem: BatchProblem, start: Assignment, budget: number): Improved {
  const able = jobsWithOptions(problem);
  if (able.every((job) => start.chosen[job] === problem.first[job])) return { assignment: start, steps: 0 };
  const state = openState(problem, start.chosen);
  const droppable = Uint8Array.from(start.chosen, (option) => (option < 0 ? 1 : 0));
  const chains = openChains(problem, droppable, dearerThanAll(problem, able), budget, chanceOf(1));
  for (const job of able) if (state.chosen[job] === -1) insert(state, chains, job);
  let best = better(assignmentOf(state), start);
  let idle = 0;
  while (state.steps < budget && idle < able.length * patience(best, able)) {
    idle += 1;
    if (!attempt(state, chains, able)) continue;
    const found = better(assignmentOf(state), best);
    // Less than a sum can tell apart is no progress.
    if (found === best) continue;
    best = found;
    idle = 0;
  }
  return { assignment: best, steps: state.steps };
}

function patience({ placed }: Assignment, able: readonly number[]): number {
  return placed < able.length ? PATIENCE_WHILE_WAITING : PATIENCE;
}

function jobsWithOptions({ jobs, first }: BatchProblem): number[] {
  const all = Array.from({ length: jobs }, (_, job) => job);
  return all.filter((job) => (first[job + 1] as number) > (first[job] as number));
}

function dearerThanAll({ first, cost }: BatchProblem, able: readonly number[]): number {
  return 1 + 2 * able.reduce((sum, job) => sum + (cost[(first[job + 1] as number) - 1] as number), 0);
}

/** The second where they are as good. */
function better(a: Assignment, b: Assignment): Assignment {
  return a.placed > b.placed || (a.placed === b.placed && a.cost < b.cost) ? a : b;
}
