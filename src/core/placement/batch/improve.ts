import { insert, openChains, type Chains } from './chain.ts';
import { chanceOf, type Chance } from './chance.ts';
import type { Assignment, BatchProblem } from './problem.ts';
import { ruinAndRecreate } from './ruin.ts';
import { assignmentOf, openState, takeBack, type State } from './state.ts';

export interface Improved {
  readonly assignment: Assignment;
  /** Options and jobs looked at: at most `budget` and one more look at one job. */
  readonly steps: number;
}

/** Candidates that a job to start from is the worst off of. */
const TOURNAMENT = 6;
/** Fruitless attempts, for each job, after which there is probably nothing more to find. */
const PATIENCE = 20;

export function improve(problem: BatchProblem, start: Assignment, budget: number): Improved {
  const able = jobsWithOptions(problem);
  if (able.every((job) => start.chosen[job] === problem.first[job])) return { assignment: start, steps: 0 };
  const state = openState(problem, start.chosen);
  const droppable = Uint8Array.from(start.chosen, (option) => (option < 0 ? 1 : 0));
  const chains = openChains(problem, droppable, dearest(problem, able), budget);
  for (const job of able) if (state.chosen[job] === -1) insert(state, chains, job);
  let best = better(assignmentOf(state), start);
  const chance = chanceOf(1);
  let idle = 0;
  const patience = () => (best.placed < able.length ? 4 * PATIENCE : PATIENCE) * able.length;
  while (state.steps < budget && idle < patience()) {
    idle += 1;
    if (!attempt(state, chains, able, chance)) continue;
    const found = assignmentOf(state);
    if (better(found, best) !== found) continue;
    best = found;
    idle = 0;
  }
  return { assignment: best, steps: state.steps };
}

/** True if something was gained; what is worse is taken back. */
function attempt(state: State, chains: Chains, able: readonly number[], chance: Chance): boolean {
  const { journal } = state;
  journal.length = 0;
  ruinAndRecreate(state, chains, worstOff(state, chains, able, chance), chance);
  const { placed, cost } = change(state, chains);
  if (placed < 0 || (placed === 0 && cost > 0)) takeBack(state, 0);
  return placed > 0 || (placed === 0 && cost < 0);
}

/** How much more is placed than before the journal, and what it costs more. */
function change(
  { problem, chosen, journal }: State,
  { droppable }: Chains,
): { placed: number; cost: number } {
  const before = new Map<number, number>();
  for (let at = 0; at < journal.length; at += 2) {
    const job = journal[at] as number;
    if (!before.has(job)) before.set(job, journal[at + 1] as number);
  }
  let [placed, cost] = [0, 0];
  for (const [job, old] of before) {
    const option = chosen[job] as number;
    if (option < 0 && droppable[job] === 0) return { placed: Number.NEGATIVE_INFINITY, cost: 0 };
    placed += (option < 0 ? 0 : 1) - (old < 0 ? 0 : 1);
    cost += (problem.cost[option] ?? 0) - (problem.cost[old] ?? 0);
  }
  return { placed, cost };
}

/** Of a few jobs, the one that pays most above its cheapest option; one without a place before all. */
function worstOff(state: State, chains: Chains, able: readonly number[], chance: Chance): number {
  const { problem, chosen } = state;
  let [worst, most] = [-1, -1];
  for (let round = 0; round < TOURNAMENT; round += 1) {
    state.steps += 1;
    const job = able[chance.roll(able.length)] as number;
    const option = chosen[job] as number;
    const cheapest = problem.cost[problem.first[job] as number] as number;
    const loss = (option < 0 ? chains.dear : (problem.cost[option] as number)) - cheapest;
    if (loss > most) [worst, most] = [job, loss];
  }
  return worst;
}

function jobsWithOptions({ jobs, first }: BatchProblem): number[] {
  const all = Array.from({ length: jobs }, (_, job) => job);
  return all.filter((job) => (first[job + 1] as number) > (first[job] as number));
}

function dearest({ first, cost }: BatchProblem, able: readonly number[]): number {
  return 1 + 2 * able.reduce((sum, job) => sum + (cost[(first[job + 1] as number) - 1] as number), 0);
}

function better(a: Assignment, b: Assignment): Assignment {
  return a.placed > b.placed || (a.placed === b.placed && a.cost < b.cost) ? a : b;
}
