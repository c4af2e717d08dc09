import type { Readable } from 'node:stream';
import { Problem } from '../core/problem.ts';
import { StorageFull } from '../checkpoints.ts';
import type { Deps } from '../deps.ts';
import { refuseWhileCut } from './cut.ts';
import {
  completeCheckpoint,
  deleteCheckpoint,
  deleteIncomplete,
  insertCheckpoint,
  noteReceived,
} from '../store/apply/checkpoints.ts';
import {
  readAbandoned,
  readOwnCheckpoint,
  readRestorable,
  readSavingAllocation,
  readSuperfluous,
  type CheckpointRow,
} from '../store/read/checkpoints.ts';

type Needs = Pick<Deps, 'clock' | 'ids' | 'store' | 'checkpoints' | 'log'>;

/** Per job: the newest, and the one before in case that the newest turns out to be of no use to the tenant. */
const KEPT = 2;
const HOUR_MS = 3_600_000;
/** Longer than any presigned URL is good for. */
const ABANDONED_AFTER_MS = 12 * HOUR_MS;
const SWEPT_BACK_MS = 72 * HOUR_MS;

/** Where to put or get the bytes. Relative URLs are the service's own, taken with the agent's key. */
export interface Place {
  readonly url: string;
  readonly headers: Record<string, string>;
}

/**
 * A place for one checkpoint of an allocation. Problems: `not-found` where the allocation is not this provider's,
 * `state-conflict` where it is not its job's current one any more.
 */
export async function beginCheckpoint(
  deps: Needs,
  provider: string,
  allocationId: string,
): Promise<{ id: string; put: Place }> {
  const now = deps.clock.now();
  await refuseWhileCut(deps, provider, allocationId);
  const saving = await readSavingAllocation(deps.store.db, provider, allocationId);
  if (saving === null) throw new Problem('not-found', 'There is no such allocation at this provider.');
  if (!saving.current) throw fenced();
  const { jobId, attempt } = saving;
  const id = deps.ids.next('chk', now);
  const location = deps.checkpoints.locationFor(jobId, id);
  await insertCheckpoint(deps.store.db, { id, jobId, allocationId, attempt, location, createdAt: now });
  const url = await deps.checkpoints.putUrl(location, now);
  const own = {
    url: `/v1/agent/checkpoints/${id}/content`,
    headers: { 'content-type': 'application/x-tar' },
  };
  return { id, put: url === null ? own : { url, headers: {} } };
}

/** Takes the bytes (own disk only). Problems: `not-found`, `state-conflict` when complete, `unavailable` when full. */
export async function receiveCheckpoint(
  deps: Needs,
  provider: string,
  id: string,
  body: Readable,
): Promise<void> {
  const row = await readOwnCheckpoint(deps.store.db, provider, id);
  if (row === null || deps.checkpoints.kind !== 'disk') throw noSuch();
  await refuseWhileCut(deps, provider, row.allocationId);
  if (row.complete) throw new Problem('state-conflict', 'This checkpoint is complete.');
  const { sizeBytes, sha256 } = await deps.checkpoints
    .write(row.location, body)
    .catch(async (error: unknown) => {
      if (!(error instanceof StorageFull)) throw error;
      deps.log.error({ checkpointId: id, jobId: row.jobId }, 'the disk for checkpoints is full');
      throw new Problem('unavailable', 'There is no room for checkpoints just now.', {
        retryAfterSeconds: 30,
      });
    });
  if (!(await noteReceived(deps.store.db, id, sizeBytes, sha256))) throw noSuch();
}

/**
 * Makes the checkpoint the job's newest, in one guarded statement, and removes what is older than the newest two.
 * Again with the same words: the same answer. Problems: `not-found`; `precondition-failed` where the bytes are not
 * what is claimed (send them again); `state-conflict` where the allocation is fenced.
 */
export async function finishCheckpoint(
  deps: Needs,
  provider: string,
  id: string,
  claim: { readonly sizeBytes: number; readonly sha256: string },
): Promise<void> {
  const now = deps.clock.now();
  const row = await readOwnCheckpoint(deps.store.db, provider, id);
  if (row === null) throw noSuch();
  await refuseWhileCut(deps, provider, row.allocationId);
  const { sizeBytes, sha256 } = claim;
  if (row.complete && row.sha256 === sha256 && row.sizeBytes === sizeBytes) return;
  await verify(deps, row, claim);
  if (!(await deps.store.transaction((tx) => completeCheckpoint(tx, now, id, sizeBytes, sha256))))
    throw fenced();
  await removeAll(deps, await readSuperfluous(deps.store.db, { jobId: row.jobId }, KEPT)).catch(
    (error: unknown) => deps.log.warn({ err: error, jobId: row.jobId }, 'older checkpoints stay for now'),
  );
}

async function verify(
  deps: Needs,
  row: CheckpointRow,
  claim: { sizeBytes: number; sha256: string },
): Promise<void> {
  const stored = await deps.checkpoints.stat(row.location);
  // We did not see the bytes on their way to an object store: the size is what can be compared, and whoever
  // restores compares the digest.
  const same = deps.checkpoints.kind === 's3' || row.sha256 === claim.sha256;
  if (stored === null || stored.sizeBytes !== claim.sizeBytes || !same) {
    throw new Problem('precondition-failed', 'What is stored is not what was sent.');
  }
}

/** Where to get a checkpoint from, for an agent that has a live allocation which may start from it. Problem: `not-found`. */
export async function placeOfCheckpoint(deps: Needs, provider: string, id: string): Promise<{ get: Place }> {
  await refuseWhileCut(deps, provider, null);
  const row = await readRestorable(deps.store.db, provider, id);
  if (row === null) throw noSuch();
  const url = await deps.checkpoints.getUrl(row.location, deps.clock.now());
  return { get: { url: url ?? `/v1/agent/checkpoints/${id}/content`, headers: {} } };
}

/** The bytes, under the same condition (own disk only, for HTTP; any storage for a broker in this process). */
export async function openCheckpoint(
  deps: Needs,
  provider: string,
  id: string,
): Promise<{ row: CheckpointRow; body: Readable }> {
  await refuseWhileCut(deps, provider, null);
  const row = await readRestorable(deps.store.db, provider, id);
  if (row === null) throw noSuch();
  return { row, body: await deps.checkpoints.read(row.location) };
}

/** Housekeeping: what finishCheckpoint could not remove, and what was begun and never finished. */
export async function sweepCheckpoints(deps: Needs): Promise<void> {
  const now = deps.clock.now().getTime();
  // Ids are in the order of their times, so the primary key finds the recent ones.
  const idAt = (ms: number): string => deps.ids.next('chk', new Date(ms));
  await removeAll(
    deps,
    await readSuperfluous(deps.store.db, { madeAfterId: idAt(now - 24 * HOUR_MS) }, KEPT),
  );
  const abandoned = await readAbandoned(
    deps.store.db,
    idAt(now - SWEPT_BACK_MS),
    idAt(now - ABANDONED_AFTER_MS),
  );
  // The row first: a late upload then finds nothing to complete.
  const places = await deleteIncomplete(
    deps.store.db,
    abandoned.map(({ id }) => id),
  );
  for (const location of places) await deps.checkpoints.remove(location);
}

/** The bytes first: a row without bytes that is not the newest harms nobody, and is found again. */
async function removeAll(
  deps: Needs,
  rows: readonly Pick<CheckpointRow, 'id' | 'location'>[],
): Promise<void> {
  for (const { id, location } of rows) {
    await deps.checkpoints.remove(location);
    await deleteCheckpoint(deps.store.db, id);
  }
}

const noSuch = (): Problem => new Problem('not-found', 'There is no such checkpoint for this provider.');
const fenced = (): Problem =>
  new Problem(
    'state-conflict',
    'Another allocation is the current one of this job: nothing of this one is kept.',
  );
