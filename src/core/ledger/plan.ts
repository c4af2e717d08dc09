import { costMicros } from '../money.ts';
import type { Account, Chain } from './account.ts';
import type { Balances } from './balances.ts';
import { grown, movesFor, settledMoves, takenBy, type Hold, type HoldMove, type Paying } from './moves.ts';
import {
  lastSecond,
  reaches,
  secondsBetween,
  secondsFor,
  secondsToHold,
  stopSeconds,
  type HoldTiming,
} from './run.ts';

/**
 * Why it cannot be paid further, and by which account.
 * money: not enough is left. frozen: what is left is for work that must not stop. time: its budget ends before that, or has.
 * unbounded: the whole run has to be held, and nothing says how much that is. limit: the job's own limit is reached.
 */
export interface Shortage {
  readonly why: 'money' | 'frozen' | 'time' | 'unbounded' | 'limit';
  readonly account: Account;
  readonly missingMicros: bigint;
}

export interface Metered {
  readonly allocationId: string;
  readonly meteredSeconds: number;
  readonly paidSeconds: number | null;
  readonly meterSeconds: number;
  readonly moves: readonly HoldMove[];
  /** Why it could not be paid any further; null: it was, or did not ask. */
  readonly shortage: Shortage | null;
  /** And what is paid is nearly over: it has to stop. */
  readonly stop: boolean;
}

/**
 * What is charged and held of one allocation now. What was used is charged to what was reserved, never more; then it is
 * paid further by every account above it, or by none. While that succeeds the time between two looks doubles; where it
 * does not, the shortest is tried; and where that fails too it goes on with what is paid, and stops in time.
 */
export function meter(
  one: Paying,
  chains: readonly Chain[],
  holds: ReadonlyMap<string, Hold>,
  balances: Balances,
  now: Date,
  timing: HoldTiming,
): Metered {
  const used = secondsUsed(one);
  const paid = one.phase === 'over' ? used : (one.paidSeconds ?? used);
  const movesTo = (seconds: number) => movesFor(one, chains, holds, used, seconds, now);
  const settled = settledMoves(one, chains, holds, used, paid, now);
  for (const move of settled) balances.take(move.accountId, takenBy(move), one.failover);
  const base = { allocationId: one.allocationId, meteredSeconds: used, paidSeconds: one.paidSeconds };
  const asking = chains.filter((chain) => chain.some(({ superseded }) => !superseded));
  if (one.phase !== 'goes' || asking.length === 0)
    return { ...base, meterSeconds: longer(one, timing), moves: settled, shortage: null, stop: false };
  const limit = limitOf(one, chains, settled, used, balances);
  const soon = (seconds: number) => used + timing.meterSeconds >= lastSecond(seconds, one.graceSeconds);
  let shortage = unbounded(one, asking);
  for (const meterSeconds of shortage === null ? new Set([longer(one, timing), timing.meterSeconds]) : []) {
    const wanted = wholeOf(one, asking, timing) ?? used + aheadOf(one, meterSeconds, timing);
    const paidSeconds = Math.max(paid, Math.min(wanted, limit?.seconds ?? wanted));
    const moves = movesTo(paidSeconds);
    const isUsedUp = limit !== null && soon(paidSeconds);
    shortage = shortageOf(one, asking, settled, moves, paidSeconds, balances, now);
    if (shortage === null && one.startedAt === null && isUsedUp) shortage = limit.shortage;
    if (shortage !== null) continue;
    for (const move of moves) balances.take(move.accountId, grown(settled, move), one.failover);
    // Where the job's own limit cut it short, the next look has to come before it is told to stop.
    const left = lastSecond(paidSeconds, one.graceSeconds) - used - timing.meterSeconds;
    const next = Math.max(timing.meterSeconds, Math.min(meterSeconds, left));
    const end = isUsedUp ? limit.shortage : null;
    return { ...base, paidSeconds, meterSeconds: next, moves, shortage: end, stop: isUsedUp };
  }
  const isOver = one.startedAt === null || soon(paid);
  // One that was never paid does not begin: its provider is told so, should it have been told to begin.
  const paidSeconds = one.startedAt === null ? (one.paidSeconds ?? 0) : one.paidSeconds;
  return { ...base, paidSeconds, meterSeconds: timing.meterSeconds, moves: settled, shortage, stop: isOver };
}

/** What must not stop is held for longer: others may have to be stopped for it first, and that takes its time, too. */
function aheadOf({ guarded, graceSeconds }: Paying, meterSeconds: number, timing: HoldTiming): number {
  const usual = secondsToHold(meterSeconds, graceSeconds, timing);
  return guarded ? usual + stopSeconds(graceSeconds, timing) : usual;
}

/** Where the whole run has to be held: so many seconds, the stop included, or all that the job's own limit buys. */
function wholeOf(
  { maxRuntimeSeconds, graceSeconds }: Paying,
  asking: readonly Chain[],
  timing: HoldTiming,
): number | null {
  if (!asking.some(blocks)) return null;
  return maxRuntimeSeconds === null ? Infinity : maxRuntimeSeconds + stopSeconds(graceSeconds, timing);
}

const blocks = (chain: Chain): boolean => chain.some(({ onExhausted }) => onExhausted === 'block');

function unbounded({ maxRuntimeSeconds }: Paying, asking: readonly Chain[]): Shortage | null {
  const account = asking.find(blocks)?.[0];
  const isBounded = maxRuntimeSeconds !== null || asking.flat().some(({ budgetId }) => budgetId === null);
  return account === undefined || isBounded ? null : { why: 'unbounded', account, missingMicros: 0n };
}

/** How far the job's own limit reaches; null: it has none. */
function limitOf(
  { priceMicrosPerHour, failover }: Paying,
  chains: readonly Chain[],
  settled: readonly HoldMove[],
  used: number,
  balances: Balances,
): { readonly seconds: number; readonly shortage: Shortage } | null {
  const own = chains.flat().find(({ budgetId }) => budgetId === null);
  if (own === undefined) return null;
  const held = settled.find(({ accountId }) => accountId === own.id)?.reservedMicros ?? 0n;
  const micros = costMicros(priceMicrosPerHour, used) + held + balances.left(own.id, failover);
  const shortage = { why: 'limit', account: own, missingMicros: 0n } as const;
  return { seconds: secondsFor(micros, priceMicrosPerHour), shortage };
}

function secondsUsed({ startedAt, ranUntil, meteredSeconds, paidSeconds }: Paying): number {
  const ran = startedAt === null ? 0 : secondsBetween(startedAt, ranUntil);
  return Math.max(meteredSeconds, Math.min(ran, paidSeconds ?? ran));
}

/** What has not started yet is looked at often: it may begin on either side of a period's end. */
const longer = ({ startedAt, meterSeconds }: Paying, timing: HoldTiming): number =>
  startedAt === null
    ? timing.meterSeconds
    : Math.min(timing.meterMaxSeconds, Math.max(timing.meterSeconds, 2 * meterSeconds));

/** Why not all of it can be held; null: it can. */
function shortageOf(
  { startedAt, failover, guarded }: Paying,
  asking: readonly Chain[],
  settled: readonly HoldMove[],
  moves: readonly HoldMove[],
  paidSeconds: number,
  balances: Balances,
  now: Date,
): Shortage | null {
  const late = asking.find((chain) => !reaches(chain, paidSeconds, startedAt, now))?.at(-1);
  if (late !== undefined) return { why: 'time', account: late, missingMicros: 0n };
  const byId = new Map(asking.flat().map((account) => [account.id, account]));
  for (const move of moves) {
    const account = byId.get(move.accountId);
    const more = grown(settled, move);
    if (account === undefined || more <= 0n) continue;
    if (account.frozen && !guarded) return { why: 'frozen', account, missingMicros: more };
    const missing = more - balances.left(account.id, failover);
    if (missing > 0n) return { why: 'money', account, missingMicros: missing };
  }
  return null;
}
