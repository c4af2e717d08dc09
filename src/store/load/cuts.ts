import { and, eq, gt, isNull, lte, ne, or, sql, type SQL } from 'drizzle-orm';
import { allocations, drillCuts } from '../schema.ts';
import type { Reader } from '../store.ts';

/** What of a provider is to be treated as if its network were gone. */
export interface Cuts {
  /** All of it. */
  readonly whole: boolean;
  /** These allocations; each until it is released, as then nobody waits for its lease any more. */
  readonly cut: ReadonlySet<string>;
}

export async function loadCuts(reader: Reader, now: Date, provider: string): Promise<Cuts> {
  const rows = await reader
    .select({ allocationId: drillCuts.allocationId })
    .from(drillCuts)
    .leftJoin(allocations, eq(allocations.id, drillCuts.allocationId))
    .where(
      and(
        eq(drillCuts.provider, provider),
        lte(drillCuts.fromAt, now),
        gt(drillCuts.untilAt, now),
        or(isNull(drillCuts.allocationId), ne(allocations.state, 'released')),
      ),
    );
  return {
    whole: rows.some(({ allocationId }) => allocationId === null),
    cut: new Set(rows.flatMap(({ allocationId }) => allocationId ?? [])),
  };
}

/**
 * Of an allocation `a`: a drill has cut it off, so no contact of its provider has renewed its lease since, and the
 * cut wrote down what it had then.
 */
export function stillCut(now: Date): SQL {
  const at = sql`${now.toISOString()}::timestamptz`;
  return sql`exists (select from drill_cuts k where k.allocation_id = a.id and k.from_at <= ${at} and k.until_at > ${at})`;
}
