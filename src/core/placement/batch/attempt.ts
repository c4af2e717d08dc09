import type { Chains } from './chain.ts';
import { ruinAndRecreate } from './ruin.ts';
import { takeBack, type State } from './state.ts';

/** So many jobs are looked at for the one that an attempt is about. More: always the same few; fewer: ones that are well off. */
const TOURNAMENT = 6;

/** Tries something else for a job that is badly off, and takes it back if that is worse. True if it is better. */
export function attempt(state: State, chains: Chains, able: readonly number[]): boolean {
  state.journal.length = 0;
  ruinAndRecreate(state, chains, worstOff(state, chains, able), able);
  const { placed, cost } = change(state, chains);
  // What is as good stays: from there other things can be reached.
  if (placed < 0 || (placed === 0 && cost > 0)) takeBack(state, 0);
  return placed > 0 || (placed === 0 && cost < 0);
}

/** Of a few jobs the one that pays most above its cheapest option, one without a place before all. */
function worstOff(state: State, chains: Chains, able: readonly number[]): number {
  const { problem, chosen } = state;
  let [worst, most] = [-1, -1];
  for (let round = 0; round < TOURNAMENT; round += 1) {
    state.steps += 1;
    const job = able[chains.chance.roll(able.length)] as number;
    const option = chosen[job] as number;
    const pays = option < 0 ? chains.dear : (problem.cost[option] as number);
    const loss = pays - (problem.cost[problem.first[job] as number] as number);
    if (loss > most) [worst, most] = [job, loss];
  }
  return worst;
}

/** How many more are placed than when the journal began, and what that costs more. */
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
    placed += Number(option >= 0) - Number(old >= 0);
    cost += (problem.cost[option] ?? 0) - (problem.cost[old] ?? 0);
  }
  return { placed, cost };
}
