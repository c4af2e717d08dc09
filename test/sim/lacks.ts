import { isAbove, costOf, type AccountFacts } from './books.ts';
import type { JobFacts, Snapshot } from './facts.ts';
import type { Timing } from '../../src/core/timing.ts';

/** Until it has saved what it has, at the longest. */
const SAVE_SECONDS = 30;
/** What has not begun may begin so much later, and in the next period. */
const LATE_SECONDS = 600;

/** Does the money really lack with which this job would begin at this price (micros an hour, all nodes)? */
export function lacksMoney(
  job: JobFacts,
  priceMicros: bigint,
  { money }: Pick<Snapshot, 'money'>,
  nowMs: number,
  { meterMs, leaseSeconds }: Timing,
): boolean {
  const { limits, graceSeconds, continuity } = job.spec;
  const guarded = continuity.mode === 'standby' || continuity.mode === 'active';
  const failover = (JSON.parse(job.row) as { queue_rank: number }).queue_rank < 0;
  const budgets = money.budgets.filter((budget) => !budget.deleted && isAbove(budget, job));
  const of = (budget: string) => money.accounts.filter((account) => account.budget === budget);
  const isAhead = ({ endsMs }: AccountFacts) => (endsMs ?? Infinity) > nowMs;
  const inForce = budgets.filter(({ id }) => of(id).some(isAhead));
  // One that is over asks nothing where another of the same scope goes on.
  const asking = budgets.filter(
    (budget) => inForce.includes(budget) || inForce.every(({ project }) => project !== budget.project),
  );
  const own = money.accounts.find((account) => account.job === job.id);
  const meterSeconds = meterMs / 1000;
  const stop = graceSeconds + SAVE_SECONDS + Math.ceil(leaseSeconds) + 1;
  let seconds = 2 * meterSeconds + stop + (guarded ? stop : 0);
  if (asking.some(({ onExhausted }) => onExhausted === 'block')) {
    if (limits.maxRuntimeSeconds === null && own === undefined) return true;
    seconds = limits.maxRuntimeSeconds === null ? Infinity : limits.maxRuntimeSeconds + stop;
  }
  if (own !== undefined) {
    seconds = Math.min(seconds, secondsFor(leftOf(own, failover), priceMicros));
    const told = seconds - Math.min(graceSeconds + SAVE_SECONDS, Math.ceil(seconds / 2));
    if (meterSeconds >= told) return true;
  }
  return asking.some(({ id }) => {
    const ahead = of(id).filter(isAhead);
    const lastMs = Math.max(0, ...ahead.map(({ endsMs }) => endsMs ?? Infinity));
    if (lastMs < nowMs + seconds * 1000) return true;
    return ahead.some((account) => {
      if (account.startsMs > nowMs + (seconds + LATE_SECONDS) * 1000) return false;
      const begins = Math.max(nowMs, account.startsMs);
      const within = Math.min(seconds, Math.ceil(((account.endsMs ?? Infinity) - begins) / 1000));
      const needed = costOf(priceMicros, within);
      return needed > 0n && ((account.frozen && !guarded) || needed > leftOf(account, failover));
    });
  });
}

function leftOf(
  { allotted, disaster, reserved, charged, failover: moved }: AccountFacts,
  failover: boolean,
): bigint {
  const all = BigInt(allotted) - BigInt(reserved) - BigInt(charged);
  const open = BigInt(allotted) - BigInt(disaster);
  const ordinary = (open > 0n ? open : 0n) - (BigInt(reserved) + BigInt(charged) - BigInt(moved));
  return failover || all < ordinary ? all : ordinary;
}

/** The most seconds that cost no more. */
function secondsFor(micros: bigint, priceMicros: bigint): number {
  if (priceMicros === 0n) return Infinity;
  let seconds = Number((micros * 3_600n) / priceMicros);
  while (costOf(priceMicros, seconds + 1) <= micros) seconds += 1;
  return Math.max(0, seconds);
}
