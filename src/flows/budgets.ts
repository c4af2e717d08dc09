import { SYSTEM } from '../core/access.ts';
import { alertsDue, upkeepOf } from '../core/ledger/upkeep.ts';
import { Calendar } from '../core/ledger/calendar.ts';
import { toWire } from '../core/money.ts';
import type { Deps } from '../deps.ts';
import { insertAccounts } from '../store/apply/budget-accounts.ts';
import {
  carry,
  insertAlerts,
  lockEnded,
  lockLiveAccounts,
  noteEnded,
  raiseAllotted,
} from '../store/apply/budget-upkeep.ts';
import { tellAll, type News } from '../store/apply/webhooks.ts';
import { lockBudget, lockBudgets } from '../store/apply/budgets.ts';
import { loadAlerted, loadEnded, loadLiveBudgets, type KeptBudget } from '../store/load/budget-pass.ts';
import { wakeUnpaid } from '../store/apply/unpaid.ts';

/** Of each kind of work at a time: a year begins for everybody at once, and verdicts wait behind this. */
const AT_ONCE = 500;

/** What a pass over the budgets did. */
export interface BudgetPass {
  readonly made: number;
  readonly raised: number;
  readonly carried: number;
  /** Alerts that were not given before. */
  readonly told: number;
}

/**
 * Keeps budgets up with time: the accounts of their periods are there before they begin, what may be spent grows as it is
 * allotted, what a period left goes on where that is wanted, and whoever has to know is told. A pass that is repeated,
 * late or missed changes nothing that a later one does not.
 */
export async function budgetPass(deps: Deps): Promise<BudgetPass> {
  const now = deps.clock.now();
  const calendar = new Calendar(deps.config.timeZone);
  const live = await loadLiveBudgets(deps.store.db, calendar, now);
  const { made, raised } = await keepUp(deps, now, calendar, live);
  const carried = await carryOver(deps, now);
  const told = await alert(deps, now, live);
  if (made + raised + carried > 0) {
    await wakeUnpaid(deps.store.db, null);
    deps.bell.ring('place');
  }
  return { made, raised, carried, told };
}

/** What is found without a lock is looked at again with one: an officer may be changing it just now. */
async function keepUp(
  deps: Deps,
  now: Date,
  calendar: Calendar,
  live: readonly KeptBudget[],
): Promise<{ made: number; raised: number }> {
  const today = calendar.dayOf(now);
  const lacking = live.filter(({ budget, accounts }) => {
    const { missing, raised } = upkeepOf(budget, accounts, calendar, today);
    return missing.length + raised.length > 0;
  });
  if (lacking.length === 0) return { made: 0, raised: 0 };
  const ids = lacking.slice(0, AT_ONCE).map(({ budget }) => budget.id);
  return deps.store.transaction(async (tx) => {
    const budgets = await lockBudgets(tx, ids);
    const accounts = Map.groupBy(await lockLiveAccounts(tx, ids, now), ({ budgetId }) => budgetId);
    const found = budgets.map((budget) => ({
      budget,
      ...upkeepOf(budget, accounts.get(budget.id) ?? [], calendar, today),
    }));
    const missing = found.flatMap(({ budget, missing: periods }) =>
      periods.map((period) => ({ ...period, id: deps.ids.next('acc', now), budgetId: budget.id })),
    );
    const raised = found.flatMap((one) => one.raised);
    const made = await insertAccounts(tx, missing, {
      now,
      actor: SYSTEM.id,
      reason: 'the cap of a new period',
    });
    await raiseAllotted(tx, raised);
    return { made: made.length, raised: raised.length };
  });
}

async function carryOver(deps: Deps, now: Date): Promise<number> {
  let carried = 0;
  for (const one of await loadEnded(deps.store.db, now, AT_ONCE)) {
    await deps.store.transaction(async (tx) => {
      const budget = await lockBudget(tx, one.budgetId);
      const found = await lockEnded(tx, now, one);
      if (found === null) return;
      const { ended, current } = found;
      if (budget?.carryOver === true && current !== null) {
        const cause = { now, actor: SYSTEM.id, reason: 'left of the last period' };
        await carry(tx, deps.ids.next('trf', now), ended, current, cause);
        carried += 1;
      }
      await noteEnded(tx, now, ended.id);
    });
  }
  return carried;
}

/** Each threshold of each period once, whoever notices it. */
async function alert(deps: Deps, now: Date, live: readonly KeptBudget[]): Promise<number> {
  const used = live.flatMap(({ budget, accounts }) =>
    accounts
      .filter(
        ({ startsAt, reservedMicros, chargedMicros }) =>
          startsAt <= now && reservedMicros + chargedMicros > 0n,
      )
      .map((account) => ({ budget, account })),
  );
  if (used.length === 0) return 0;
  const ids = used.map(({ account }) => account.id);
  const told = await loadAlerted(deps.store.db, ids);
  const due = used.flatMap(({ budget, account }) =>
    alertsDue(budget.thresholds, account, told).map((threshold) => ({
      budget,
      accountId: account.id,
      threshold,
      at: now,
      usedMicros: account.reservedMicros + account.chargedMicros,
      capMicros: account.allottedMicros,
    })),
  );
  if (due.length === 0) return 0;
  return deps.store.transaction(async (tx) => {
    const made = await insertAlerts(tx, due);
    const news = made.map((one) => newsOf(deps, one));
    await tellAll(tx, now, () => deps.ids.next('dlv', now), news);
    return made.length;
  });
}

function newsOf(
  { config: { currency } }: Deps,
  {
    budget,
    threshold,
    at,
    usedMicros,
    capMicros,
  }: {
    readonly budget: KeptBudget['budget'];
    readonly threshold: number;
    readonly at: Date;
    readonly usedMicros: bigint;
    readonly capMicros: bigint;
  },
): News {
  const { id, name, organization, project } = budget;
  const amounts = { used: toWire(usedMicros, currency), allotted: toWire(capMicros, currency) };
  const data = { budget: id, name, project, threshold, at: at.toISOString(), ...amounts };
  return { event: 'budget.threshold', organization, data };
}
