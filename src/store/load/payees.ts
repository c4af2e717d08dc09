import { sql } from 'drizzle-orm';
import type { AllocationRole } from '../../core/allocation.ts';
import type { Payee } from '../../core/ledger/unpaid.ts';
import { isGuardedJob } from './paying.ts';
import type { Reader } from '../store.ts';

/** Ordinary work that the account holds money for: work that must not stop is left out. */
export async function loadPayees(reader: Reader, accountId: string): Promise<Payee[]> {
  const { rows } = await reader.execute<{
    allocationId: string;
    jobId: string;
    role: AllocationRole;
    priority: number;
    reserved: string;
    leaving: boolean;
  }>(sql`
    select a.id as "allocationId", a.job_id as "jobId", a.role, j.priority, h.reserved_micros as reserved,
      a.state = 'releasing' as leaving
    from holds h join allocations a on a.id = h.allocation_id join jobs j on j.id = a.job_id
    where h.account_id = ${accountId} and h.reserved_micros > 0 and a.state <> 'released'
      and not (${isGuardedJob})`);
  return rows.map(({ reserved, ...row }) => ({ ...row, reservedMicros: BigInt(reserved) }));
}
