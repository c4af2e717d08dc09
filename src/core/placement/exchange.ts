import { formatMicros } from '../money.ts';
import type { BatchProblem } from './batch/problem.ts';
import { improve } from './batch/improve.ts';
import { bestNow, type Entry } from './choose.ts';
import { DIMENSIONS, drawOf, giveBack, hasRoom, take, type Pass } from './pass.ts';
import { bandOf } from './queue.ts';
import type { Turn } from './turn.ts';

/**
 * Jobs of one page may exchange their places. In turn, the first would take the last offer that the second could have
 * used, though it had another for a won more; so once everybody had a turn, those who want the cheapest are looked at
 * together: as many as possible are placed, and all of them for as little as possible (batch/improve.ts).
 *
 * Nobody who was placed in turn loses that; nobody leaves what the rules allow; and only jobs of the same band and the
 * same organization are looked at together, so that nobody pays for another's money or priority.
 */

/** Elementary steps of one pass; about 50 ns each. Beyond, the turn decides alone: a long queue is a long pass already. */
const STEPS_PER_PASS = 4_000_000;
/** Ways of one pass that are found and written down for the search, likewise: about 1.5 µs each. */
const OPTIONS_PER_PASS = 100_000;
/** For each job that has something to exchange: a page that places one job is not searched like one that places all. */
const STEPS_PER_PLACED = 50_000;
/**
 * Ways that one job is looked at with. With one for each job of the batch none would ever need another, were all places
 * single; where one pool is behind several of them, more are needed (with a quarter fewer, 1 batch in 90 was 1 % dearer).
 */
const OPTIONS_PER_JOB = 3;
const SPARE_OPTIONS = 100;
const MAX_OPTIONS = 1_000;

/** What is left of a pass's budget. */
export interface ExchangeBudget {
  steps: number;
  options: number;
}

export function newBudget(): ExchangeBudget {
  return { steps: STEPS_PER_PASS, options: OPTIONS_PER_PASS };
}

export function exchange(pass: Pass, turns: readonly Turn[], budget: ExchangeBudget): void {
  const groups = Map.groupBy(turns.filter(mayExchange), ({ job }) =>
    JSON.stringify([bandOf(job, pass.now), job.organization]),
  );
  for (const group of groups.values()) {
    if (budget.steps > 0 && budget.options > 0 && isContended(pass, group))
      exchangeAmong(pass, group, budget);
  }
}

/** Whoever looks for something else than the price, or has a place of its own in mind, stays with that. */
function mayExchange({ poor, ask: { request } }: Turn): boolean {
  return (
    poor === null &&
    request.spec.placement.objective === 'cheapest' &&
    request.target === null &&
    request.held.size === 0 &&
    request.tiers === null
  );
}

/** Unless somebody took the last of something, everybody has the best there was. */
function isContended(pass: Pass, group: readonly Turn[]): boolean {
  return (
    group.length > 1 &&
    group.some(({ taken, ask }) => taken !== null && !hasRoom(pass, taken.sale >> 1, ask.request.needs))
  );
}

function exchangeAmong(pass: Pass, group: readonly Turn[], budget: ExchangeBudget): void {
  const { given } = pass;
  for (const { taken, ask } of group) if (taken !== null) giveBack(pass, taken.sale >> 1, ask.request.needs);
  const options = optionsOf(pass, group);
  const problem = problemOf(pass, group, options);
  budget.options -= problem.cost.length;
  const start = startOf(problem, group, options);
  const { assignment, steps } = improve(
    problem,
    start,
    Math.min(budget.steps, STEPS_PER_PLACED * start.placed),
  );
  budget.steps -= steps;
  const saved = start.cost - assignment.cost;
  let changed = false;
  group.forEach((turn, index) => {
    const option = assignment.chosen[index] ?? -1;
    const entry = option < 0 ? null : (options[index]?.[option - (problem.first[index] ?? 0)] ?? null);
    if (entry?.sale !== turn.taken?.sale) {
      turn.note = noteOf(turn, assignment.placed - start.placed, saved, pass.market.currency);
      turn.taken = entry;
      changed = true;
    }
    if (entry !== null) take(pass, entry.sale >> 1, turn.ask.request.needs);
  });
  // All is as it was: nothing that was found before has to be looked for again.
  if (!changed) pass.given = given;
}

/** By job, cheapest first, with what it was given in turn among them. */
function optionsOf(pass: Pass, group: readonly Turn[]): (readonly Entry[])[] {
  const keep = Math.min(MAX_OPTIONS, OPTIONS_PER_JOB * group.length + SPARE_OPTIONS);
  const known = new Map<Turn['ask'], Entry[]>();
  return group.map(({ ask, taken }) => {
    const found = known.get(ask) ?? eachOnce(bestNow(ask.request, pass, keep));
    known.set(ask, found);
    return taken === null || found.some(({ sale }) => sale === taken.sale) ? found : [...found, taken];
  });
}

/** Of the two ways to buy one offer the cheaper one: they take the same place. */
function eachOnce(entries: readonly Entry[]): Entry[] {
  const seen = new Set<number>();
  return entries.filter(({ sale }) => seen.size < seen.add(sale >> 1).size);
}

function problemOf(pass: Pass, group: readonly Turn[], options: readonly (readonly Entry[])[]): BatchProblem {
  const { columns } = pass.market;
  const entries = options.flat();
  const needs = group.flatMap(({ ask }, index) => (options[index] ?? []).map(() => ask.request.needs));
  const slots = [...new Set(entries.map(({ sale }) => sale >> 1))];
  const slotAt = new Map(slots.map((position, index) => [position, index]));
  const pools = [...new Set(slots.flatMap((position) => columns.pool[position] ?? -1))].filter(
    (at) => at >= 0,
  );
  const poolAt = new Map(pools.map((pool, index) => [pool, index]));
  const first = new Int32Array(group.length + 1);
  options.forEach((some, index) => {
    first[index + 1] = (first[index] ?? 0) + some.length;
  });
  return {
    jobs: group.length,
    first,
    cost: Float64Array.from(entries, ({ cost }) => cost),
    slot: Int32Array.from(entries, ({ sale }) => slotAt.get(sale >> 1) ?? 0),
    places: Int32Array.from(needs, ({ nodes }) => nodes),
    slotRoom: Int32Array.from(slots, (position) => pass.free[position] ?? 0),
    slotPool: Int32Array.from(slots, (position) => poolAt.get(columns.pool[position] ?? -1) ?? -1),
    draws: Float64Array.from(
      entries.flatMap(({ sale }, index) => {
        const need = needs[index];
        const draw = need === undefined ? null : drawOf(pass, sale >> 1, need);
        return draw === null ? [0, 0, 0] : [draw.gpus, draw.cpuMillis, draw.memoryMiB];
      }),
    ),
    poolRoom: Float64Array.from(
      pools.flatMap((pool) => [...pass.poolFree.subarray(DIMENSIONS * pool, DIMENSIONS * (pool + 1))]),
    ),
  };
}

function startOf(problem: BatchProblem, group: readonly Turn[], options: readonly (readonly Entry[])[]) {
  const chosen = Int32Array.from(group, ({ taken }, index) => {
    const at = options[index]?.findIndex(({ sale }) => sale === taken?.sale) ?? -1;
    return at < 0 ? -1 : (problem.first[index] ?? 0) + at;
  });
  const placed = chosen.filter((option) => option >= 0);
  return {
    chosen,
    placed: placed.length,
    cost: placed.reduce((sum, option) => sum + (problem.cost[option] ?? 0), 0),
  };
}

function noteOf({ taken }: Turn, more: number, saved: number, currency: string): string {
  if (taken === null) return 'others of the same page took something else, which made room for it';
  const why =
    more > 0
      ? `so that ${more} more of the same page could be placed`
      : `so that the page costs ${formatMicros(BigInt(Math.round(saved)))} ${currency} less in all`;
  return `in its turn it had the first of these; it has exchanged it for the one that is taken, ${why}`;
}
