import type { Actor } from './access.ts';
import { canonicalJson, sha256Hex, storableJson, storableText } from './canonical.ts';

/**
 * Something that was done, to be recorded for ever. `data` never holds a secret nor a value of a job's
 * environment.
 */
export interface AuditEntry {
  readonly actor: Actor;
  /** `job.submit`, `provider.create`, … */
  readonly action: string;
  /** The id or name of what it was done to: `job-01…`, `pangyo`, `pangyo/h100x8` (an offer), … */
  readonly target: string;
  readonly requestId: string | null;
  readonly data: Record<string, unknown>;
}

/** One link of the chain, as it is stored. */
export interface AuditLink {
  readonly seq: number;
  readonly at: Date;
  readonly actor: string;
  readonly role: string;
  readonly action: string;
  readonly target: string;
  readonly requestId: string | null;
  readonly data: Record<string, unknown>;
  readonly previousHash: string;
  readonly hash: string;
}

/** The newest link: where the chain ends. Kept apart from the chain, so that a cut-off tail is noticed. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** What the first link calls the one before it. */
export const GENESIS: AuditHead = { seq: 0, hash: '0'.repeat(64) };

/** SHA-256 over the canonical JSON of everything in the link but the hash itself. */
export function hashLink(link: Omit<AuditLink, 'hash'>): string {
  const { seq, at, actor, role, action, target, requestId, data, previousHash } = link;
  return sha256Hex(canonicalJson({ seq, at, actor, role, action, target, requestId, data, previousHash }));
}

/** The entries as links that follow `head`, in order. */
export function chain(head: AuditHead, now: Date, entries: readonly AuditEntry[]): AuditLink[] {
  let previous = head;
  return entries.map((entry) => {
    const link = linkAfter(previous, now, entry);
    previous = link;
    return link;
  });
}

function linkAfter(previous: AuditHead, now: Date, entry: AuditEntry): AuditLink {
  const open = {
    seq: previous.seq + 1,
    at: now,
    actor: entry.actor.id,
    role: entry.actor.role,
    action: entry.action,
    target: storableText(entry.target),
    requestId: entry.requestId === null ? null : storableText(entry.requestId),
    data: storableJson(entry.data) as Record<string, unknown>,
    previousHash: previous.hash,
  };
  return { ...open, hash: hashLink(open) };
}

/** What is wrong where a chain is broken. */
export const AUDIT_BREAKS = ['changed', 'unlinked', 'missing', 'truncated'] as const;
export type AuditBreak = (typeof AUDIT_BREAKS)[number];

/** Does `link` follow `previous`, and is it what was written? Null when all is well. */
export function breakIn(previous: AuditHead, link: AuditLink): AuditBreak | null {
  if (link.seq !== previous.seq + 1) return 'missing';
  if (link.previousHash !== previous.hash) return 'unlinked';
  return hashLink(link) === link.hash ? null : 'changed';
}
