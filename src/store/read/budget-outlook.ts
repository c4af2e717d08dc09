import { sql } from 'drizzle-orm';
import { HOLDING_ALLOCATION_STATES, type AllocationRole } from '../../core/allocation.ts';
import type { JobSpec } from '../../core/job.ts';
import type { BudgetRow } from '../apply/budgets.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

/** Something that runs under a budget, and until when it is paid. */
export interface RunningRow {
  readonly allocationId: string;
  readonly jobId: string;
  readonly name: string;
  readonly project: string;
  readonly continuity: JobSpec['continuity'];
  readonly provider: string;
  readonly role: AllocationRole;
  readonly priceMicrosPerHour: bigint;
  readonly reservedMicros: bigint;
  /** Null: nobody holds money for it, or it has not started. */
  readonly heldUntil: Date | null;
}

type RunningRecord = Omit<RunningRow, 'priceMicrosPerHour' | 'reservedMicros' | 'heldUntil'> &
  Record<'price' | 'reserved', string> & { readonly heldUntil: string | null };

/** Newest first; `before` is the last allocation of the page before. */
export async function listRunning(
  reader: Reader,
  { id, organization, project }: Pick<BudgetRow, 'id' | 'organization' | 'project'>,
  before: string | null,
  limit: number,
): Promise<Page<RunningRow>> {
  const { rows } = await reader.execute<RunningRecord>(sql`
    select a.id as "allocationId", j.id as "jobId", j.name, j.project, j.spec -> 'continuity' as continuity, a.provider,
      a.role, a.price_micros_per_hour::text as price, a.started_at + make_interval(secs => a.paid_seconds) as "heldUntil",
      coalesce((select sum(h.reserved_micros) from holds h join accounts x on x.id = h.account_id
        where h.allocation_id = a.id and x.budget_id = ${id}), 0)::text as reserved
    from allocations a join jobs j on j.id = a.job_id
    where a.state = any(${sql.param([...HOLDING_ALLOCATION_STATES])}::text[]) and j.organization = ${organization}
      and (${project}::text is null or j.project = ${project}) and (${before}::text is null or a.id < ${before})
    order by a.id desc limit ${limit + 1}`);
  const running = rows.map(({ price, reserved, heldUntil, ...row }) => ({
    ...row,
    priceMicrosPerHour: BigInt(price),
    reservedMicros: BigInt(reserved),
    heldUntil: heldUntil === null ? null : new Date(heldUntil),
  }));
  return toPage(running, limit);
}
