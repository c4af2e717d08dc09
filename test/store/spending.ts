import fc from 'fast-check';
import { PURPOSES, type Purpose } from '../../src/core/allocation.ts';
import { addDays, monthOf, type Calendar, type Day, type Month } from '../../src/core/ledger/calendar.ts';
import { costMicros } from '../../src/core/money.ts';
import { allocations, costDays, jobs, ledger } from '../../src/store/schema.ts';
import type { Store } from '../../src/store/store.ts';
import { allocationRow, jobRow } from './rows.ts';

/** A run that was metered to its end. */
export interface Run {
  readonly id: string;
  readonly jobId: string;
  readonly organization: string;
  readonly project: string;
  readonly vendor: string;
  readonly provider: string;
  readonly offer: string;
  readonly gpuModel: string | null;
  readonly gpuCount: number;
  readonly spot: boolean;
  readonly purpose: Purpose;
  readonly priceMicrosPerHour: bigint;
  readonly startedAt: Date;
  readonly seconds: number;
}

/** What it cost on one day. */
export interface Piece extends Run {
  readonly month: Month;
  readonly day: Day;
  readonly fromSeconds: number;
  readonly pieceSeconds: number;
  readonly micros: bigint;
}

/** Runs on these offers, of these projects. */
export function runs(
  places: readonly Pick<Run, 'vendor' | 'provider' | 'offer' | 'gpuModel' | 'gpuCount'>[],
  tenants: readonly Pick<Run, 'organization' | 'project'>[],
  between: { readonly min: Date; readonly max: Date },
): fc.Arbitrary<Run[]> {
  const run = fc.record({
    place: fc.constantFrom(...places),
    tenant: fc.constantFrom(...tenants),
    job: fc.nat(9),
    spot: fc.boolean(),
    purpose: fc.constantFrom(...PURPOSES),
    priceMicrosPerHour: fc.bigInt({ min: 0n, max: 90_000_000_000n }),
    startedAt: fc.date({ ...between, noInvalidDate: true }),
    seconds: fc.oneof(fc.integer({ min: 1, max: 4_000 }), fc.integer({ min: 1, max: 400_000 })),
  });
  return fc.array(run, { minLength: 1, maxLength: 25 }).map((all) =>
    all.map(({ place, tenant, job, ...rest }, at) => ({
      id: `alc-${String(at).padStart(3, '0')}`,
      jobId: `job-${tenant.project}-${job}`,
      ...place,
      ...tenant,
      ...rest,
    })),
  );
}

/** The run, day by day: whole seconds, each of the day on which it begins; costs are differences over the whole span. */
export function piecesOf(run: Run, calendar: Calendar): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  while (from < run.seconds) {
    const day = calendar.dayOf(new Date(run.startedAt.getTime() + from * 1000));
    const end = calendar.startOf(addDays(day, 1)).getTime();
    const until = Math.min(run.seconds, Math.ceil((end - run.startedAt.getTime()) / 1000));
    const micros = costMicros(run.priceMicrosPerHour, until) - costMicros(run.priceMicrosPerHour, from);
    pieces.push({ ...run, month: monthOf(day), day, fromSeconds: from, pieceSeconds: until - from, micros });
    from = until;
  }
  return pieces;
}

/** Puts jobs, allocations, entries (two for each day, where it costs that much) and lines into the database. */
export async function insertRuns(store: Store, all: readonly Run[], calendar: Calendar): Promise<Piece[]> {
  const pieces = all.flatMap((run) => piecesOf(run, calendar));
  await insertWork(store, all);
  const entries = pieces.flatMap(entriesOf);
  if (entries.length > 0) await store.db.insert(ledger).values(entries);
  await store.db.insert(costDays).values(pieces.map(lineOf));
  return pieces;
}

/** Jobs and allocations alone. */
export async function insertWork(store: Store, all: readonly Run[]): Promise<void> {
  const byJob = [...new Map(all.map((run) => [run.jobId, run])).values()];
  await store.db
    .insert(jobs)
    .values(
      byJob.map(({ jobId, organization, project }) =>
        jobRow(jobId, { organization, project, spec: { labels: { team: 'nlp' } } as never }),
      ),
    );
  await store.db.insert(allocations).values(all.map(allocationOf));
}

function allocationOf(run: Run, at: number) {
  return allocationRow(run.id, run.jobId, at + 1, {
    provider: run.provider,
    offer: run.offer,
    spot: run.spot,
    purpose: run.purpose,
    state: 'released',
    listPriceMicrosPerHour: run.priceMicrosPerHour,
    priceMicrosPerHour: run.priceMicrosPerHour,
    gpuCount: run.gpuCount,
    startedAt: run.startedAt,
    releasedAt: new Date(run.startedAt.getTime() + run.seconds * 1000),
    meteredSeconds: run.seconds,
  });
}

function entriesOf(piece: Piece): (typeof ledger.$inferInsert)[] {
  const first = piece.micros / 2n;
  return [first, piece.micros - first]
    .filter((amount) => amount > 0n)
    .map((amountMicros) => ({
      at: piece.startedAt,
      kind: 'usage' as const,
      debit: 'project' as const,
      credit: 'vendor' as const,
      amountMicros,
      jobId: piece.jobId,
      allocationId: piece.id,
      provider: piece.provider,
      offer: piece.offer,
      priceMicrosPerHour: piece.priceMicrosPerHour,
      seconds: piece.pieceSeconds,
      day: piece.day,
      month: piece.month,
      reason: 'metered',
      actor: 'system',
    }));
}

export function lineOf(piece: Piece): typeof costDays.$inferInsert {
  const { month, day, organization, project, vendor, provider, offer, gpuModel, gpuCount, spot, purpose } =
    piece;
  return {
    month,
    day,
    allocationId: piece.id,
    jobId: piece.jobId,
    organization,
    project,
    vendor,
    provider,
    region: 'kr-central',
    offer,
    gpuModel,
    gpuCount,
    spot,
    purpose,
    priceMicrosPerHour: piece.priceMicrosPerHour,
    fromSeconds: piece.fromSeconds,
    seconds: piece.pieceSeconds,
    micros: piece.micros,
  };
}
