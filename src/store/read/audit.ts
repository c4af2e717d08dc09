import { and, asc, desc, eq, gt, lt } from 'drizzle-orm';
import { GENESIS, type AuditHead, type AuditLink } from '../../core/audit.ts';
import { AUDIT_HEAD } from '../apply/audit.ts';
import { audit, engineFacts } from '../schema.ts';
import type { Reader } from '../store.ts';
import { toPage, type Page } from './page.ts';

export interface AuditFilter {
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly target?: string | undefined;
}

/** Newest first; `before` is the last seq of the page before. */
export async function listAudit(
  reader: Reader,
  filter: AuditFilter,
  before: number | null,
  limit: number,
): Promise<Page<AuditLink>> {
  const rows = await reader
    .select()
    .from(audit)
    .where(
      and(
        filter.actor === undefined ? undefined : eq(audit.actor, filter.actor),
        filter.action === undefined ? undefined : eq(audit.action, filter.action),
        filter.target === undefined ? undefined : eq(audit.target, filter.target),
        before === null ? undefined : lt(audit.seq, before),
      ),
    )
    .orderBy(desc(audit.seq))
    .limit(limit + 1);
  return toPage(rows, limit);
}

/** Where the chain ends, as remembered apart from it. */
export async function auditHead(reader: Reader): Promise<AuditHead> {
  const [row] = await reader.select().from(engineFacts).where(eq(engineFacts.name, AUDIT_HEAD));
  return (row?.value as AuditHead | undefined) ?? GENESIS;
}

/** The next links after `seq`, oldest first. */
export function auditAfter(reader: Reader, seq: number, limit: number): Promise<AuditLink[]> {
  return reader.select().from(audit).where(gt(audit.seq, seq)).orderBy(asc(audit.seq)).limit(limit);
}
