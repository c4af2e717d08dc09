import { isGuarded } from '../protection.ts';
import type { JobSpec } from '../job.ts';
import { formatMicros, parseMicros, toWire } from '../money.ts';
import { Problem, type ProblemDetailItem } from '../problem.ts';
import type { Approval } from './approval.ts';
import { spareMicros, type Balances } from './budget.ts';
import { periodAt, type Calendar, type Day, type Span } from './calendar.ts';
import type { OnExhausted } from './words.ts';

/** A budget above a project, as a job that is submitted meets it. */
export interface BudgetAbove extends Span {
  readonly id: string;
  readonly name: string;
  /** Null: of the whole organization. */
  readonly project: string | null;
  readonly onExhausted: OnExhausted;
  readonly approvalAboveMicros: bigint | null;
  /** Of the current period; null: there is none, or it is about to be made. */
  readonly account: (Balances & { readonly endsAt: Date | null }) | null;
}

/** What a job may cost at most, by its own word, in micros of the accounting currency; null: it does not say. */
export function maxCostMicros({ limits }: Pick<JobSpec, 'limits'>): bigint | null {
  return limits.maxCost == null ? null : parseMicros(limits.maxCost.amount);
}

/** Why a job cannot cost that at most. */
export function maxCostFaults(spec: Pick<JobSpec, 'limits'>, accounting: string): ProblemDetailItem[] {
  const { maxCost } = spec.limits;
  if (maxCost == null) return [];
  const pointer = '/limits/maxCost';
  if (maxCost.currency !== accounting)
    return [{ pointer: `${pointer}/currency`, detail: `It has to be in ${accounting}.` }];
  return maxCostMicros(spec) === 0n ? [{ pointer: `${pointer}/amount`, detail: 'Greater than 0.' }] : [];
}

/**
 * Whether somebody has to approve a job before it may run: where it may cost more than a budget above it lets pass, or
 * does not say what it may cost. The lowest limit is named.
 */
export function approvalFor(
  spec: Pick<JobSpec, 'limits'>,
  above: readonly BudgetAbove[],
  today: Day,
): Approval | null {
  const cost = maxCostMicros(spec);
  const [lowest] = above
    .filter((budget) => periodAt(budget, today) !== null)
    .flatMap(({ id, name, approvalAboveMicros: limit }) => (limit === null ? [] : [{ id, name, limit }]))
    .filter(({ limit }) => cost === null || cost > limit)
    .toSorted((a, b) => (a.limit < b.limit ? -1 : a.limit > b.limit ? 1 : 0));
  if (lowest === undefined) return null;
  const { id: budgetId, name: budget, limit } = lowest;
  const nobody = { approvedBy: null, approvedAt: null, note: null };
  return { budgetId, budget, aboveMicros: String(limit), ...nobody };
}

/** Why the budgets above a job do not let it in; null: they do. Work that must not stop is let in, and answered for. */
export function refusalFor(
  spec: Pick<JobSpec, 'limits' | 'continuity'>,
  above: readonly BudgetAbove[],
  today: Day,
  calendar: Calendar,
  currency: string,
): Problem | null {
  const endless = above.find(({ onExhausted }) => onExhausted === 'block');
  if (endless !== undefined && spec.limits.maxRuntimeSeconds === null && maxCostMicros(spec) === null) {
    const detail = `The budget ${endless.name} lets in only what can be paid to its end: set maxRuntimeSeconds or maxCost.`;
    return new Problem('impossible-spec', detail, { errors: [{ pointer: '/limits', detail }] });
  }
  if (isGuarded(spec)) return null;
  const cost = maxCostMicros(spec);
  const empty = above.find(({ account }) => account !== null && spareMicros(account) <= 0n);
  if (empty?.account != null) return usedUp(empty, empty.account, cost, calendar, currency);
  const over = endedOf(above, today);
  return over === null ? null : ended(over, cost, currency);
}

function usedUp(
  { id, name }: BudgetAbove,
  account: NonNullable<BudgetAbove['account']>,
  cost: bigint | null,
  calendar: Calendar,
  currency: string,
): Problem {
  const spare = spareMicros(account);
  const until = account.endsAt === null ? null : calendar.dayOf(account.endsAt);
  const missing = cost === null ? null : cost - spare;
  const lacks = missing === null ? '' : `; the job would need ${formatMicros(missing)} ${currency} more`;
  const detail = `The budget ${name} has nothing left for ordinary work until ${until}${lacks}.`;
  return exhausted(detail, { id, name, spare, missing, until }, currency);
}

function ended({ id, name, untilDay }: BudgetAbove, missing: bigint | null, currency: string): Problem {
  const detail = `The budget ${name} ended on ${untilDay}, and there is none after it.`;
  return exhausted(detail, { id, name, spare: 0n, missing, until: null }, currency);
}

function exhausted(
  detail: string,
  of: { id: string; name: string; spare: bigint; missing: bigint | null; until: Day | null },
  currency: string,
): Problem {
  const { id, name, spare, missing, until } = of;
  const available = toWire(spare, currency);
  const budget = { id, name, available, missing: missing === null ? null : toWire(missing, currency), until };
  return new Problem('budget-exhausted', detail, { members: { budget } });
}

/** The last one of a scope that had budgets, and has none any more. */
function endedOf(above: readonly BudgetAbove[], today: Day): BudgetAbove | null {
  const isOver = ({ untilDay }: BudgetAbove) => untilDay !== null && untilDay <= today;
  const scopes = Map.groupBy(above, ({ project }) => project).values();
  for (const all of scopes) {
    if (all.some((budget) => periodAt(budget, today) !== null)) continue;
    const [last] = all.filter(isOver).toSorted((a, b) => ((a.untilDay ?? '') < (b.untilDay ?? '') ? 1 : -1));
    if (last !== undefined) return last;
  }
  return null;
}
