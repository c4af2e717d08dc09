import type { z } from 'zod';
import { whyVoid, type Verification, type VerifiedSide } from '../../src/core/drill/verified.ts';
import type { DrillRow, ProgressRow } from '../../src/store/read/drills.ts';
import type { drill, verificationList } from '../schemas/drill.ts';
import { time } from './time.ts';

export function renderDrill(row: DrillRow, progress: readonly ProgressRow[] = []): z.output<typeof drill> {
  return {
    id: row.id,
    state: row.state,
    ...(row.spec as Omit<DrillRow['spec'], 'jobs'> & { jobs: number | string[] | null }),
    reason: row.reason,
    endsAs: row.endsAs,
    providers: row.providers,
    plan: row.plan as z.output<typeof drill>['plan'],
    progress: progress.map(({ cutAt, ...one }) => ({ ...one, cutAt: time(cutAt) })),
    createdBy: { id: row.createdBy, role: row.createdRole },
    createdAt: row.createdAt.toISOString(),
    confirmedBy: row.confirmedBy === null ? null : { id: row.confirmedBy, role: row.confirmedRole ?? '' },
    confirmedAt: time(row.confirmedAt),
    previousId: row.previousId,
    dueAt: time(row.dueAt),
    startedAt: time(row.startedAt),
    restoredAt: time(row.restoredAt),
    finishedAt: time(row.finishedAt),
  };
}

/** What was proved of a provider. It is verified by what was proved *from* it: its work recovers elsewhere. */
export function renderVerifications(
  provider: string,
  all: readonly Verification[],
  sides: ReadonlyMap<string, VerifiedSide>,
  now: Date,
): z.output<typeof verificationList> {
  const items = all.map((one) => {
    const why = whyVoid(one, sides, now);
    const { mode, from, to, gpu, drillId, rtoSeconds, rpoSeconds } = one;
    return {
      mode,
      from,
      to,
      gpu,
      drill: drillId,
      rtoSeconds,
      rpoSeconds,
      verifiedAt: one.verifiedAt.toISOString(),
      validUntil: one.validUntil.toISOString(),
      valid: why === null,
      why,
    };
  });
  const own = items.filter(({ from }) => from === provider);
  const verified = own.some(({ valid }) => valid);
  return { verified, why: verified ? null : (own[0]?.why ?? 'no drill has moved work from it yet'), items };
}
