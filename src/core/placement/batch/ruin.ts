import { insert, type Chains } from './chain.ts';
import type { Chance } from './chance.ts';
import { assign, type State } from './state.ts';

/**
 * Jobs that lose their place at once, at most. With 8 a full host could not be undone (up to 50 % above the optimum),
 * with 32 the same budget found less.
 */
const RUINED = 24;
/** How often somebody who is in the way is left alone, so that no two attempts are the same. */
const SPARED = 0.25;
/** How often one more group is thrown in. */
const SPREAD = 0.5;
/** In every other attempt, how often an option is not seen (chain.ts says why). */
const BLINDNESS = 0.1;

/**
 * Ruin and recreate (Schrimpf et al. 2000): takes away the place of a job, of those who are where it would rather be,
 * and of those in some group that one of these could use; and places all of them anew, one after the other. The journal
 * tells what has become of it.
 *
 * A job without a place at times brings with it the others that have none and would use the same group: two small ones may fit
 * where one large one is, and only both of them are better than it.
 */
export function ruinAndRecreate(state: State, chains: Chains, job: number, able: readonly number[]): void {
  const { chance } = chains;
  const { problem, chosen } = state;
  const held = chosen[job] as number;
  const first = problem.first[job] as number;
  const wanted = groupUpTo(state, job, held > first ? held : (problem.first[job + 1] as number), chance);
  assign(state, job, -1);
  const together = held < 0 && chance.next() < 0.5;
  const ruined = together ? [job, ...waitingFor(state, wanted, able, job)] : [job];
  empty(state, wanted, ruined, chance);
  while (chance.next() < SPREAD) {
    const other = ruined[chance.roll(ruined.length)] as number;
    empty(state, groupUpTo(state, other, problem.first[other + 1] as number, chance), ruined, chance);
  }
  chains.blindness = chance.next() < 0.5 ? BLINDNESS : 0;
  for (const one of inOrder(state, ruined, chance)) insert(state, chains, one);
}

/** Everybody else without a place who has an option in the group. */
function waitingFor(state: State, wanted: number, able: readonly number[], job: number): number[] {
  const { problem, chosen, group } = state;
  state.steps += able.length;
  return able.filter((one) => {
    if (one === job || (chosen[one] as number) >= 0) return false;
    const options = problem.slot.subarray(problem.first[one], problem.first[one + 1]);
    return options.some((slot) => group[slot] === wanted);
  });
}

/** The group of one of a job's options before `end`, a cheap one more likely. */
function groupUpTo({ problem, group }: State, job: number, end: number, chance: Chance): number {
  const first = problem.first[job] as number;
  return group[problem.slot[first + chance.low(end - first)] as number] as number;
}

function empty(state: State, group: number, ruined: number[], chance: Chance): void {
  let job = state.head[group] as number;
  while (job >= 0 && ruined.length < RUINED) {
    const next = state.next[job] as number;
    state.steps += 1;
    if (chance.next() >= SPARED) {
      assign(state, job, -1);
      ruined.push(job);
    }
    job = next;
  }
}

/**
 * The one that it is about first, or in its turn; those with much to pay, or with little to choose from, or that take
 * little, sooner, more or less. By cost alone a job or two stayed unplaced in one of fifty scarce batches; and unless
 * small ones go first at times, a large one never leaves a host to several who together would save more.
 */
function inOrder({ problem }: State, ruined: readonly number[], chance: Chance): number[] {
  const { first, cost, draws } = problem;
  const [about] = ruined;
  const leads = chance.next() < 0.5;
  const stakes = [
    (from: number, to: number) => 1 / (to - from),
    (from: number) => cost[from] as number,
    (from: number) => 1 / (1 + (draws[3 * from] as number)),
  ];
  const stakeOf = stakes[chance.roll(stakes.length)] as (from: number, to: number) => number;
  const weight = (job: number) => {
    if (job === about && leads) return Number.POSITIVE_INFINITY;
    return stakeOf(first[job] as number, first[job + 1] as number) * (0.2 + chance.next());
  };
  return ruined
    .map((job) => ({ job, weight: weight(job) }))
    .sort((a, b) => b.weight - a.weight || a.job - b.job)
    .map(({ job }) => job);
}
