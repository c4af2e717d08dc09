import type { Chance } from './chance.ts';
import { draw, fits, fitsWithout, oversold } from './room.ts';
import { assign, type State } from './state.ts';

/** A search for chains: what it may do, and its scratch, kept so that ten thousand searches make nothing new. */
export interface Chains {
  /** By job, 1: may be left without a place, at a cost of `dear`. */
  readonly droppable: Uint8Array;
  /** More than any assignment could cost. */
  readonly dear: number;
  /** Steps after which nothing more is looked at. */
  readonly stop: number;
  readonly chance: Chance;
  /** How often an option is not seen, 0 to 1. */
  blindness: number;
  /** By job: cost of the chain that drives it out, what it paid itself given back. */
  readonly value: Float64Array;
  /** By job: who drives it out, and which option that one takes. */
  readonly driver: Int32Array;
  readonly taken: Int32Array;
  /** By job: it is on the chain that is being grown when this is `stamp`. */
  readonly onChain: Int32Array;
  stamp: number;
  /** Jobs at the ends of chains that are still to be grown. */
  readonly queue: number[];
  readonly queued: Uint8Array;
  /** The best complete chain: a job, its option, and so on, the root last. */
  readonly best: number[];
}

/**
 * So many jobs at most are looked at for one chain, shortest chains first. Without a bound a hopeless job searches
 * everything there is: at 500 jobs most of the work went there, and the result after the same work was 1–2 % dearer.
 */
const BREADTH = 30;

export function openChains(
  { jobs }: { jobs: number },
  droppable: Uint8Array,
  dear: number,
  stop: number,
  chance: Chance,
): Chains {
  return {
    droppable,
    dear,
    stop,
    chance,
    blindness: 0,
    value: new Float64Array(jobs),
    driver: new Int32Array(jobs),
    taken: new Int32Array(jobs),
    onChain: new Int32Array(jobs),
    stamp: 0,
    queue: [],
    queued: new Uint8Array(jobs),
    best: [],
  };
}

/**
 * Places a job that has no place by the cheapest chain: it takes an option, whoever is in the way takes another one,
 * and so on until there is room, or until somebody who may be left without a place is. False where there is no chain
 * (or none that costs less than leaving this one, if that may be); then nothing has changed.
 *
 * Without pools and with one node each these are the successive shortest paths of the transportation problem (Busacker
 * and Gowen 1960), by label correction, as somebody may be driven to what is cheaper. With them they are ejection chains
 * (Glover 1996), where each job on the way makes room by leaving alone.
 */
export function insert(state: State, chains: Chains, root: number): boolean {
  const { value, driver, queued, queue, best } = chains;
  value.fill(Number.POSITIVE_INFINITY);
  value[root] = 0;
  driver[root] = -1;
  best.length = 0;
  queue.length = 0;
  queue.push(root);
  let bound = chains.droppable[root] === 1 ? chains.dear : Number.POSITIVE_INFINITY;
  for (let at = 0; at < queue.length; at += 1) {
    const job = queue[at] as number;
    queued[job] = 0;
    if (at < BREADTH && state.steps < chains.stop) bound = grow(state, chains, root, job, bound);
  }
  for (let at = 0; at < best.length; at += 2) assign(state, best[at] as number, best[at + 1] as number);
  return best.length > 0;
}

/** Looks at everything that the job at the end of a chain could take. What the best chain so far costs. */
function grow(state: State, chains: Chains, root: number, job: number, limit: number): number {
  const { first, cost } = state.problem;
  const value = enter(state, chains, root, job);
  let bound = limit;
  const end = first[job + 1] as number;
  for (let option = first[job] as number; option < end; option += 1) {
    state.steps += 1;
    const total = value + (cost[option] as number);
    // Nothing is lost: if the rest of a chain that is so dear already were a gain, it would be one without its beginning.
    if (!(total < bound)) break;
    if (option === state.chosen[job] || unseen(chains)) continue;
    if (fits(state, option)) {
      bound = total;
      remember(chains, root, job, option);
      break;
    }
    driveOut(state, chains, job, option, total, bound);
  }
  if (job !== root && chains.droppable[job] === 1 && value + chains.dear < bound) {
    bound = value + chains.dear;
    remember(chains, root, job, -1);
  }
  leave(state, chains, root, job);
  return bound;
}

/**
 * A chain that comes cheaper to somebody hides a dearer one that leaves room which the cheaper does not. Not seeing
 * everything every time finds those ("blinks", Christiaens and Vanden Berghe 2020): of 20,000 small batches 3 placed
 * fewer than they could, not 31.
 */
function unseen({ blindness, chance }: Chains): boolean {
  return blindness > 0 && chance.next() < blindness;
}

/** Whoever alone is in the way of an option is the next of a chain. */
function driveOut(
  state: State,
  chains: Chains,
  job: number,
  option: number,
  total: number,
  bound: number,
): void {
  const { problem, chosen, group, head, next } = state;
  const { value, driver, taken, onChain, queued, queue, stamp, droppable, dear } = chains;
  const { first, cost } = problem;
  const where = group[problem.slot[option] as number] as number;
  for (let other = head[where] as number; other >= 0; other = next[other] as number) {
    state.steps += 1;
    const held = chosen[other] as number;
    const given = total - (cost[held] as number);
    const least = given + (cost[first[other] as number] as number);
    if (!(given < (value[other] as number)) || onChain[other] === stamp) continue;
    if (!(least < bound || (droppable[other] === 1 && given + dear < bound))) continue;
    if (!fitsWithout(state, option, held)) continue;
    value[other] = given;
    driver[other] = job;
    taken[other] = option;
    if (queued[other] === 1) continue;
    queued[other] = 1;
    queue.push(other);
  }
}

/** Gives everybody on the chain the new place, but in the books of room only. What that costs; infinite: it does not fit. */
function enter(state: State, chains: Chains, root: number, job: number): number {
  const { chosen, problem } = state;
  const { driver, taken, onChain } = chains;
  chains.stamp += 1;
  let value = 0;
  for (let at = job; at !== root; at = driver[at] as number) {
    onChain[at] = chains.stamp;
    draw(state, chosen[at] as number, -1);
    draw(state, taken[at] as number, 1);
    value += (problem.cost[taken[at] as number] as number) - (problem.cost[chosen[at] as number] as number);
  }
  onChain[root] = chains.stamp;
  // Somebody nearer to the root may have been reached by a better way since, which does not leave the same room.
  for (let at = job; at !== root; at = driver[at] as number) {
    if (oversold(state, taken[at] as number)) return Number.POSITIVE_INFINITY;
  }
  return value;
}

function leave(state: State, { driver, taken }: Chains, root: number, job: number): void {
  for (let at = job; at !== root; at = driver[at] as number) {
    draw(state, taken[at] as number, -1);
    draw(state, state.chosen[at] as number, 1);
  }
}

function remember({ best, driver, taken }: Chains, root: number, job: number, option: number): void {
  best.length = 0;
  best.push(job, option);
  for (let at = job; at !== root; at = driver[at] as number) {
    best.push(driver[at] as number, taken[at] as number);
  }
}
