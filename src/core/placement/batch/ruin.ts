import { insert, type Chains } from './chain.ts';
import type { Chance } from './chance.ts';
import { assign, type State } from './state.ts';

/** Jobs that lose their place at once, at most. Fewer cannot undo a full host; more cost more than they find. */
const RUINED = 16;
/** How often jobs of one more group are thrown in. */
const SPREAD = 0.5;

/**
 * Ruin and recreate (Schrimpf et al. 2000): takes a job and whoever is where it would rather be out, some of their
 * other groups' jobs as well, and places them anew one after the other, mostly that job first. The jobs taken out.
 */
export function ruinAndRecreate(state: State, chains: Chains, job: number, chance: Chance): number[] {
  const ruined = [job];
  empty(state, preferred(state, job, chance), ruined, job);
  assign(state, job, -1);
  while (chance.next() < SPREAD) {
    const other = ruined[chance.roll(ruined.length)] as number;
    empty(state, anyway(state, other, chance), ruined, job);
  }
  for (const one of inOrder(state, ruined, job, chance)) insert(state, chains, one);
  return ruined;
}

/** The group of an option that is cheaper than the one that it has, the cheaper the likelier. */
function preferred({ problem, chosen, group }: State, job: number, chance: Chance): number {
  const from = problem.first[job] as number;
  const held = chosen[job] as number;
  const to = held > from ? held : held === from ? from + 1 : (problem.first[job + 1] as number);
  return group[problem.slot[from + chance.low(to - from)] as number] as number;
}

function anyway({ problem, group }: State, job: number, chance: Chance): number {
  const from = problem.first[job] as number;
  const to = problem.first[job + 1] as number;
  return group[problem.slot[from + chance.low(to - from)] as number] as number;
}

function empty(state: State, group: number, ruined: number[], except: number): void {
  let job = state.head[group] as number;
  while (job >= 0 && ruined.length < RUINED) {
    const next = state.next[job] as number;
    state.steps += 1;
    if (job !== except) {
      assign(state, job, -1);
      ruined.push(job);
    }
    job = next;
  }
}

/** Those with much at stake sooner, more or less. */
function inOrder({ problem }: State, ruined: readonly number[], job: number, chance: Chance): number[] {
  const { first, cost } = problem;
  const jobFirst = chance.next() < 0.5;
  const few = chance.next() < 0.5;
  return ruined
    .map((one) => ({
      one,
      stake:
        one === job && jobFirst
          ? Number.POSITIVE_INFINITY
          : (few
              ? 1 / ((first[one + 1] as number) - (first[one] as number))
              : (cost[first[one] as number] as number)) *
            (0.2 + chance.next()),
    }))
    .sort((a, b) => b.stake - a.stake || a.one - b.one)
    .map(({ one }) => one);
}
