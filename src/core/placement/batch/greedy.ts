import { fits } from './room.ts';
import { assign, assignmentOf, openState } from './state.ts';
import type { Assignment, BatchProblem } from './problem.ts';

/** In the order of jobs, each its cheapest option with room. */
export function assignGreedily(problem: BatchProblem): Assignment {
  const state = openState(problem, new Int32Array(problem.jobs).fill(-1));
  for (let job = 0; job < problem.jobs; job += 1) {
    const end = problem.first[job + 1] as number;
    for (let option = problem.first[job] as number; option < end; option += 1) {
      if (!fits(state, option)) continue;
      assign(state, job, option);
      break;
    }
  }
  return assignmentOf(state);
}
