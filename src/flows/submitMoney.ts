import { Calendar } from '../core/ledger/calendar.ts';
import type { Approval } from '../core/ledger/approval.ts';
import { approvalFor, refusalFor } from '../core/ledger/submission.ts';
import type { JobSpec } from '../core/job.ts';
import type { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { loadBudgetsAbove } from '../store/load/budgets.ts';

/**
 * What the budgets above them say of some jobs: each is refused, or let in, with the approval that it needs. One look for
 * all. Whether the money is there is decided when they are placed; this keeps a queue from filling with what cannot be paid.
 */
export async function judgeMoney(
  { store, config }: Pick<Deps, 'store' | 'config'>,
  now: Date,
  jobs: readonly { readonly spec: JobSpec; readonly organization: string }[],
): Promise<(Problem | Approval | null)[]> {
  const homes = jobs.map(({ spec, organization }) => ({ project: spec.project, organization }));
  const budgets = await loadBudgetsAbove(store.db, now, homes);
  if (budgets.size === 0) return jobs.map(() => null);
  const calendar = new Calendar(config.timeZone);
  const today = calendar.dayOf(now);
  return jobs.map(({ spec }) => {
    const above = budgets.get(spec.project) ?? [];
    return refusalFor(spec, above, today, calendar, config.currency) ?? approvalFor(spec, above, today);
  });
}
