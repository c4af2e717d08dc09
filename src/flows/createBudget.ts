import { tenantScope, type Actor, type Scope } from '../core/access.ts';
import { budgetContradictions, currencyFaults } from '../core/ledger/budget-check.ts';
import { periodOf, periodsDue, wholePeriodAt, type Terms } from '../core/ledger/budget.ts';
import { Calendar, type Day } from '../core/ledger/calendar.ts';
import type { OnExhausted, PeriodKind } from '../core/ledger/words.ts';
import { parseMicros, type WireMoney } from '../core/money.ts';
import { Problem, type ProblemDetailItem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertAccounts } from '../store/apply/budget-accounts.ts';
import { insertBudget, lockOrganization, overlapping, type BudgetRow } from '../store/apply/budgets.ts';
import { standingOf, type Standing } from '../store/read/budgets.ts';
import { findOrganizationIn, findProjectIn } from '../store/read/people.ts';
import type { Tx } from '../store/store.ts';
import { once, type Answer, type Ask } from './once.ts';

/** A budget as it is asked for. */
export interface NewBudget {
  readonly name: string;
  readonly scope: { readonly organization: string } | { readonly project: string };
  readonly period: {
    readonly kind: PeriodKind;
    readonly from: Day | null;
    readonly until: Day | null;
  };
  readonly cap: WireMoney;
  readonly thresholds: readonly number[];
  readonly onExhausted: OnExhausted;
  readonly disasterReserve: WireMoney | null;
  readonly allotments: readonly { readonly afterMonths: number; readonly amount: WireMoney }[];
  readonly carryOver: boolean;
  readonly approvalAbove: WireMoney | null;
}

/** A budget, and how it stands. */
export interface Budget {
  readonly row: BudgetRow;
  readonly standing: Standing;
}

/**
 * A new budget, with the accounts of its current period and of the next.
 * Problems: not-found (what it is to be of), impossible-spec (it contradicts itself, or is in another currency),
 * state-conflict (its name is taken, or another of its scope and kind has some of its days).
 */
export function createBudget<Body>(
  deps: Deps,
  actor: Actor,
  input: NewBudget,
  ask: Ask<Budget, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  const calendar = new Calendar(deps.config.timeZone);
  const today = calendar.dayOf(now);
  return once(deps, actor, ask, now, async (tx) => {
    refuse(currencyFaults(deps.config.currency, amountsOf(input)));
    const terms = termsOf(input, today);
    refuse(budgetContradictions(terms, today));
    const home = await homeOf(tx, tenantScope(actor), input.scope);
    await lockOrganization(tx, home.organization);
    const id = deps.ids.next('bud', now);
    await refuseOverlap(tx, { ...terms, id, ...home });
    const made = { id, name: input.name, ...home, ...terms, createdAt: now, createdBy: actor.id };
    const row = await insertBudget(tx, { ...made, ...copies(terms) });
    if (row === null)
      throw new Problem('state-conflict', `${home.organization} has a budget of this name already.`);
    const periods = periodsDue(terms, today).map((days) => ({
      id: deps.ids.next('acc', now),
      budgetId: id,
      ...periodOf(terms, calendar, days, today),
    }));
    await insertAccounts(tx, periods, { now, actor: actor.id, reason: 'the cap of a new budget' });
    const standing = await standingOf(tx, now, row);
    const data = { ...home, ...terms, name: input.name };
    await appendAudit(tx, now, [
      { actor, action: 'budget.create', target: id, requestId: ask.requestId, data },
    ]);
    return { row, standing };
  });
}

/** Columns are of mutable arrays. */
export const copies = ({ thresholds, allotments }: Pick<Terms, 'thresholds' | 'allotments'>) => ({
  thresholds: [...thresholds],
  allotments: [...allotments],
});

function amountsOf({ cap, disasterReserve, approvalAbove, allotments }: NewBudget) {
  return {
    '/cap': cap,
    '/disasterReserve': disasterReserve,
    '/approvalAbove': approvalAbove,
    ...Object.fromEntries(allotments.map(({ amount }, index) => [`/allotments/${index}/amount`, amount])),
  };
}

/** Without a first day it is of the whole period that today is in: what it is about is the year, not the rest of it. */
function termsOf(input: NewBudget, today: Day): Terms {
  const { kind, from, until } = input.period;
  const micros = (money: WireMoney) => parseMicros(money.amount);
  return {
    periodKind: kind,
    fromDay: from ?? wholePeriodAt({ periodKind: kind }, today)?.from ?? today,
    untilDay: until,
    capMicros: micros(input.cap),
    disasterMicros: input.disasterReserve === null ? 0n : micros(input.disasterReserve),
    allotments: toAllotments(input.allotments),
    thresholds: input.thresholds,
    onExhausted: input.onExhausted,
    carryOver: input.carryOver,
    approvalAboveMicros: input.approvalAbove === null ? null : micros(input.approvalAbove),
  };
}

export const toAllotments = (given: NewBudget['allotments']) =>
  given.map(({ afterMonths, amount }) => ({ afterMonths, micros: String(parseMicros(amount.amount)) }));

export function refuse(errors: readonly ProblemDetailItem[]): void {
  if (errors.length > 0) throw new Problem('impossible-spec', 'The budget contradicts itself.', { errors });
}

/** Whose budget it is. The same not-found for what is hidden and what is not there. */
async function homeOf(
  tx: Tx,
  scope: Scope,
  of: NewBudget['scope'],
): Promise<{ organization: string; project: string | null }> {
  if ('organization' in of) {
    const found = await findOrganizationIn(tx, scope, of.organization);
    if (found !== null) return { organization: found.name, project: null };
    const errors = [{ pointer: '/scope/organization', detail: 'There is no such organization.' }];
    throw new Problem('not-found', 'There is no such organization.', { errors });
  }
  const found = await findProjectIn(tx, scope, of.project);
  if (found !== null) return { organization: found.organization, project: found.name };
  const errors = [{ pointer: '/scope/project', detail: 'There is no such project.' }];
  throw new Problem('not-found', 'There is no such project.', { errors });
}

/** Each won of a scope and kind is in one budget. */
export async function refuseOverlap(tx: Tx, budget: Parameters<typeof overlapping>[1]): Promise<void> {
  const [other] = await overlapping(tx, budget);
  if (other === undefined) return;
  const { name, fromDay, untilDay } = other;
  const days = untilDay === null ? `from ${fromDay} on` : `from ${fromDay} until ${untilDay}`;
  const detail = `The budget ${name} is of the same scope and kind, ${days}: they would overlap.`;
  throw new Problem('state-conflict', detail, { errors: [{ pointer: '/period', detail }] });
}
