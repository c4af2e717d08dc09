import type { Actor, Role } from '../core/access.ts';
import { sha256Hex } from '../core/canonical.ts';
import { checkKeySpec, type KeySpec } from '../core/key-spec.ts';
import { refuseReserved } from '../core/drill/reserved.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { insertKey } from '../store/apply/people.ts';
import { findProvider } from '../store/read/providers.ts';
import { findOrganization, missingProjects } from '../store/read/people.ts';
import type { KeyRow, Tx } from '../store/store.ts';
import { once, type Answer, type Ask } from './once.ts';

/** A key and, this once, its secret. */
export interface MadeKey {
  readonly row: KeyRow;
  readonly secret: string;
}

/**
 * A new key. The secret is in the answer (and, sealed, in its repetition) and nowhere else: the store has its hash.
 * Problems: impossible-spec (fields that do not belong to the role, a reserved name), not-found (what it names does not exist).
 */
export function createKey<Body>(
  deps: Pick<Deps, 'clock' | 'ids' | 'store'>,
  actor: Actor,
  spec: KeySpec,
  ask: Ask<MadeKey, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  refuseReserved(spec.organization, '/organization');
  (spec.projects ?? []).forEach((name, index) => refuseReserved(name, `/projects/${index}`));
  return once(deps, actor, ask, now, async (tx) => {
    const errors = checkKeySpec(spec, now);
    if (errors.length > 0) throw new Problem('impossible-spec', 'The key contradicts its role.', { errors });
    await refuseUnknown(tx, spec);
    const made = await makeKey(deps, tx, actor, spec, now);
    const { role, projects, organization, vendor, provider, note } = made.row;
    const data = { role, projects, organization, vendor, provider, note, expiresAt: made.row.expiresAt };
    await appendAudit(tx, now, [
      { actor, action: 'key.create', target: made.row.id, requestId: ask.requestId, data },
    ]);
    return made;
  });
}

/** Inserts a key with a fresh secret; the caller audits. */
export async function makeKey(
  deps: Pick<Deps, 'ids'>,
  tx: Tx,
  actor: Actor,
  spec: KeySpec,
  now: Date,
): Promise<MadeKey> {
  // The prefix lets secret scanners find one that was leaked.
  const secret = `naru_${deps.ids.secret()}`;
  const row = await insertKey(tx, {
    id: deps.ids.next('key', now),
    role: spec.role satisfies Role,
    secretHash: sha256Hex(secret),
    projects: [...(spec.projects ?? [])],
    organization: spec.organization,
    vendor: spec.vendor,
    provider: spec.provider,
    note: spec.note,
    createdAt: now,
    createdBy: actor.id,
    expiresAt: spec.expiresAt,
    revokedAt: null,
  });
  return { row, secret };
}

async function refuseUnknown(tx: Tx, spec: KeySpec): Promise<void> {
  const unknown: { pointer: string; detail: string }[] = [];
  const missing = new Set(await missingProjects(tx, spec.projects ?? []));
  (spec.projects ?? []).forEach((name, index) => {
    if (missing.has(name))
      unknown.push({ pointer: `/projects/${index}`, detail: 'There is no such project.' });
  });
  if (spec.organization !== null && (await findOrganization(tx, spec.organization)) === null) {
    unknown.push({ pointer: '/organization', detail: 'There is no such organization.' });
  }
  if (spec.provider !== null && (await findProvider(tx, spec.provider)) === null) {
    unknown.push({ pointer: '/provider', detail: 'There is no such provider.' });
  }
  if (unknown.length > 0)
    throw new Problem('not-found', 'The key names what does not exist.', { errors: unknown });
}
