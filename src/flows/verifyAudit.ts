import { GENESIS, breakIn, type AuditBreak, type AuditHead } from '../core/audit.ts';
import type { Deps } from '../deps.ts';
import { auditAfter, auditHead } from '../store/read/audit.ts';

/** Links read, and hashed, at a time: a millisecond or so each ten. */
const PAGE = 2_000;

export interface AuditVerdict {
  readonly ok: boolean;
  /** Links that were found right, from the first on. */
  readonly checked: number;
  /** The end of the chain: keep it elsewhere, and a chain rewritten as a whole is noticed too. */
  readonly head: AuditHead;
  /** The first link that is wrong or missing, and what is wrong; null when all is well. */
  readonly broken: { readonly seq: number; readonly kind: AuditBreak } | null;
}

/**
 * Walks the whole chain. Finds a link that was changed, one that was taken out or put in, and a tail that was cut
 * off (the end is remembered apart from the chain). Cannot find that somebody with full power over the database
 * rewrote all of it, its end included: for that, compare `head` with one that was noted down elsewhere.
 */
export async function verifyAudit(deps: Pick<Deps, 'store'>): Promise<AuditVerdict> {
  // The end is read first: what is written while we walk comes after it.
  const head = await auditHead(deps.store.db);
  let previous: AuditHead = GENESIS;
  while (previous.seq < head.seq) {
    const links = await auditAfter(deps.store.db, previous.seq, Math.min(PAGE, head.seq - previous.seq));
    if (links.length === 0) return broken(previous, head, 'truncated');
    for (const link of links) {
      const kind = breakIn(previous, link);
      if (kind !== null) return broken(previous, head, kind);
      previous = { seq: link.seq, hash: link.hash };
    }
  }
  if (previous.hash !== head.hash) return broken({ seq: head.seq - 1, hash: '' }, head, 'changed');
  if (await runsPast(deps, head)) return broken(head, head, 'unlinked');
  return { ok: true, checked: previous.seq, head, broken: null };
}

/** Are there links beyond the end, as remembered now? (Only those that were slipped in, or an end that was put back.) */
async function runsPast(deps: Pick<Deps, 'store'>, head: AuditHead): Promise<boolean> {
  const [beyond] = await auditAfter(deps.store.db, head.seq, 1);
  return beyond !== undefined && (await auditHead(deps.store.db)).seq < beyond.seq;
}

function broken(previous: AuditHead, head: AuditHead, kind: AuditBreak): AuditVerdict {
  return { ok: false, checked: previous.seq, head, broken: { seq: previous.seq + 1, kind } };
}
