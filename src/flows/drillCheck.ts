import { SYSTEM } from '../core/access.ts';
import { canaryWords } from '../core/drill/canary.ts';
import { counterIn, isIntact, type CanaryCheck } from '../core/drill/check.ts';
import { sha256OfBytes } from '../core/canonical.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { lockDrill, noteCheck, type DrillRow } from '../store/apply/drills.ts';
import { loadRestoration, type Restoration } from '../store/load/restorations.ts';

/** A canary that says nothing for so long after its start is judged as it is. */
const SILENT_MS = 15_000;
/** A canary saves a number; what is larger is none of its own. */
const BYTES_MAX = 1024 * 1024;

/**
 * Holds what canaries restored against what was saved: the stored bytes are read again, and the canary's own word is
 * taken from its log.
 */
export async function checkCanaries(
  deps: Deps,
  now: Date,
  { id }: DrillRow,
  jobIds: readonly string[],
): Promise<void> {
  for (const jobId of jobIds) {
    const found = await loadRestoration(deps.store.db, id, jobId);
    if (found === null) continue;
    const { restored } = canaryWords(found.newLog);
    if (restored === null && now.getTime() - found.startedAt.getTime() < SILENT_MS) continue;
    const check = await checkOf(deps, found, restored);
    await deps.store.transaction(async (tx) => {
      if ((await lockDrill(tx, id))?.state !== 'running') return;
      if (!(await noteCheck(tx, id, jobId, check))) return;
      const data = { jobId, ...check, intact: isIntact(check) };
      await appendAudit(tx, now, [
        { actor: SYSTEM, action: 'drill.check', target: id, requestId: null, data },
      ]);
    });
  }
}

async function checkOf(
  deps: Deps,
  { checkpoint, oldLog }: Restoration,
  restoredCounter: number | null,
): Promise<CanaryCheck> {
  const bytes = checkpoint === null ? null : await bytesOf(deps, checkpoint.location);
  return {
    checkpointId: checkpoint?.id ?? null,
    sha256: checkpoint?.sha256 ?? null,
    sha256Again: bytes === null ? null : sha256OfBytes(bytes),
    counterAtFault: canaryWords(oldLog).counter,
    savedCounter: bytes === null ? null : counterIn(bytes),
    restoredCounter,
  };
}

/** Null where they cannot be read: that is what the drill is to find out. */
async function bytesOf({ checkpoints, log }: Deps, location: string): Promise<Buffer | null> {
  try {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of await checkpoints.read(location)) {
      size += (chunk as Buffer).length;
      if (size > BYTES_MAX) return null;
      chunks.push(chunk as Buffer);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    log.warn({ err: error, location }, "a canary's checkpoint could not be read");
    return null;
  }
}
