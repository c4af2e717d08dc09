import { sql } from 'drizzle-orm';
import { drillCuts } from '../schema.ts';
import type { Tx } from '../store.ts';

export interface CutWrite {
  readonly drillId: string;
  readonly provider: string;
  /** Null: the whole provider. */
  readonly allocationId: string | null;
  readonly untilAt: Date;
}

/**
 * Cuts off, from `now`. The providers' rows are locked first: a contact that is just being believed either came
 * before, and its lease counts, or sees the cut. What an allocation's lease is then is written down, as no contact
 * renews it any more. Waiting syncs are woken, so that none of them renews what it was told before.
 */
export async function cutOff(
  tx: Tx,
  now: Date,
  leaseSeconds: number,
  cuts: readonly CutWrite[],
): Promise<void> {
  if (cuts.length === 0) return;
  const names = [...new Set(cuts.map(({ provider }) => provider))];
  await tx.execute(sql`
    update providers set orders_version = orders_version + 1
    where name in (select name from providers where name = any(${sql.param(names)}::text[]) order by name for update)`);
  await tx.execute(sql`
    update allocations a set lease_until = greatest(a.lease_until, p.last_contact_at + make_interval(secs => ${leaseSeconds}))
    from providers p
    where p.name = a.provider and a.state <> 'released' and a.id = any(${sql.param(
      cuts.flatMap(({ allocationId }) => allocationId ?? []),
    )}::text[])`);
  await tx
    .insert(drillCuts)
    .values(cuts.map((cut) => ({ ...cut, fromAt: now })))
    .onConflictDoNothing();
}

/** Notes that these were given up. */
export async function declareCuts(
  tx: Tx,
  now: Date,
  drillId: string,
  allocationIds: readonly string[],
): Promise<void> {
  await tx.execute(sql`
    update drill_cuts set declared_at = ${now.toISOString()}::timestamptz
    where drill_id = ${drillId} and declared_at is null and allocation_id = any(${sql.param([...allocationIds])}::text[])`);
}

/**
 * Everything that the drill has cut off is heard again; waiting syncs are woken, as leases may be nearly over. Again:
 * nothing happens.
 *
 * @returns how many cuts that were
 */
export async function endCuts(tx: Tx, now: Date, drillId: string): Promise<number> {
  await tx.execute(sql`
    update providers set orders_version = orders_version + 1 where name in (
      select name from providers where name in (select provider from drill_cuts
        where drill_id = ${drillId} and until_at > ${now.toISOString()}::timestamptz) order by name for update)`);
  const ended = await tx.execute<{ provider: string }>(sql`
    update drill_cuts set until_at = greatest(from_at, ${now.toISOString()}::timestamptz)
    where drill_id = ${drillId} and until_at > ${now.toISOString()}::timestamptz
    returning provider`);
  return ended.rows.length;
}
