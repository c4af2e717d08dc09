import { sql } from 'drizzle-orm';
import { SYSTEM } from '../../core/access.ts';
import { costMicros } from '../../core/money.ts';
import { monthOf, type Day, type Month } from '../../core/ledger/calendar.ts';
import type { HoldMove } from '../../core/ledger/moves.ts';
import type { Metered } from '../../core/ledger/plan.ts';
import { byDay, type DayPiece, type Terms } from '../../core/ledger/run.ts';
import type { PayingRow } from '../load/paying.ts';
import type { Tx } from '../store.ts';

/** What was decided about one allocation's money. */
export interface Payment {
  readonly row: PayingRow;
  readonly metered: Metered;
}

/**
 * Writes what was decided, a statement for each table whatever the number. The accounts' rows are locked by the caller;
 * their CHECKs have the last word.
 */
export async function writePayments(
  tx: Tx,
  now: Date,
  terms: Terms,
  payments: readonly Payment[],
): Promise<void> {
  const moves = payments.flatMap(({ row, metered }) => metered.moves.map((move) => ({ row, move })));
  const used = payments.flatMap((payment) => usedOf(payment, terms));
  const closed = used.length === 0 ? new Set<Month>() : await closedMonths(tx);
  const usage = used.map((one) => ({ ...one, month: billOf(one.day, closed, terms.calendar.dayOf(now)) }));
  await writeAllocations(tx, now, payments);
  await writeHolds(tx, moves.filter(isNews));
  await writeAccounts(tx, moves);
  await writeEntries(tx, now, [...usage.map(usageEntry), ...moves.flatMap(entriesOf)]);
  if (usage.length > 0) await writeDays(tx, usage);
}

interface Move {
  readonly row: PayingRow;
  readonly move: HoldMove;
}

interface Used extends DayPiece {
  readonly row: PayingRow;
  readonly micros: bigint;
}

interface Usage extends Used {
  readonly month: Month;
}

/** What was used since the last look, by days. */
function usedOf({ row, metered }: Payment, { calendar }: Terms): Used[] {
  const { startedAt, meteredSeconds: from, priceMicrosPerHour: price } = row;
  if (startedAt === null) return [];
  return byDay(calendar, startedAt, { from, to: metered.meteredSeconds }).map((piece) => ({
    ...piece,
    row,
    micros: costMicros(price, piece.to) - costMicros(price, piece.from),
  }));
}

/** Usage of a month whose bill is final is a correction in that of today. */
export const billOf = (day: Day, closed: ReadonlySet<Month>, today: Day): Month =>
  closed.has(monthOf(day)) ? monthOf(today) : monthOf(day);

export async function closedMonths(tx: Tx): Promise<Set<Month>> {
  const { rows } = await tx.execute<{ month: Month }>(sql`select month from closed_months`);
  return new Set(rows.map(({ month }) => month));
}

const isNews = ({ row, move }: Move): boolean => {
  const hold = row.holds.get(move.accountId);
  return (
    hold === undefined ||
    hold.from !== move.from ||
    hold.to !== move.to ||
    move.charge + move.reserve + move.release > 0n
  );
};

async function writeAllocations(tx: Tx, now: Date, payments: readonly Payment[]): Promise<void> {
  const column = (pick: (one: Payment) => unknown) => sql.param(payments.map(pick));
  const over = (one: Payment) => one.row.phase === 'over';
  const next = ({ metered }: Payment) => new Date(now.getTime() + metered.meterSeconds * 1000).toISOString();
  await tx.execute(sql`
    update allocations a set metered_seconds = w.metered, charged_micros = w.charged, paid_seconds = w.paid,
      meter_seconds = w.every, meter_at = w.next
    from (select * from unnest(${column(({ row }) => row.allocationId)}::text[],
      ${column(({ metered }) => metered.meteredSeconds)}::bigint[],
      ${column(({ row, metered }) => costMicros(row.priceMicrosPerHour, metered.meteredSeconds))}::bigint[],
      ${column(({ metered }) => metered.paidSeconds)}::bigint[], ${column(({ metered }) => metered.meterSeconds)}::int[],
      ${column((one) => (over(one) ? null : next(one)))}::timestamptz[]) as w(id, metered, charged, paid, every, next)) w
    where a.id = w.id`);
}

async function writeHolds(tx: Tx, moves: readonly Move[]): Promise<void> {
  if (moves.length === 0) return;
  const column = (pick: (one: Move) => unknown) => sql.param(moves.map(pick));
  await tx.execute(sql`
    insert into holds (allocation_id, account_id, failover, from_seconds, paid_seconds, reserved_micros, charged_micros)
    select * from unnest(${column(({ row }) => row.allocationId)}::text[], ${column(({ move }) => move.accountId)}::text[],
      ${column(({ row }) => row.failover)}::boolean[], ${column(({ move }) => move.from)}::bigint[],
      ${column(({ move }) => move.to)}::bigint[], ${column(({ move }) => move.reservedMicros)}::bigint[],
      ${column(({ move }) => move.chargedMicros)}::bigint[])
    on conflict (allocation_id, account_id) do update set from_seconds = excluded.from_seconds,
      paid_seconds = excluded.paid_seconds, reserved_micros = excluded.reserved_micros, charged_micros = excluded.charged_micros`);
}

/** What is charged leaves the reserved; only what is reserved or released changes how much a disaster has cost. */
async function writeAccounts(tx: Tx, moves: readonly Move[]): Promise<void> {
  const sums = [...Map.groupBy(moves, ({ move }) => move.accountId)].map(([accountId, all]) => ({
    accountId,
    reserved: all.reduce((sum, { move }) => sum + move.reserve - move.release - move.charge, 0n),
    charged: all.reduce((sum, { move }) => sum + move.charge, 0n),
    failover: all.reduce(
      (sum, { row, move }) => (row.failover ? sum + move.reserve - move.release : sum),
      0n,
    ),
  }));
  const changed = sums.filter(({ reserved, charged }) => reserved !== 0n || charged !== 0n);
  if (changed.length === 0) return;
  const column = (pick: (one: (typeof changed)[number]) => unknown) => sql.param(changed.map(pick));
  await tx.execute(sql`
    update accounts a set reserved_micros = a.reserved_micros + w.reserved, charged_micros = a.charged_micros + w.charged,
      failover_micros = a.failover_micros + w.failover
    from (select * from unnest(${column((r) => r.accountId)}::text[], ${column((r) => r.reserved)}::bigint[],
      ${column((r) => r.charged)}::bigint[], ${column((r) => r.failover)}::bigint[]) as w(id, reserved, charged, failover)) w
    where a.id = w.id`);
}

interface Entry {
  readonly kind: 'usage' | 'reserve' | 'charge' | 'release';
  readonly row: PayingRow;
  readonly accountId: string | null;
  readonly micros: bigint;
  readonly seconds: number | null;
  readonly day: Day | null;
  readonly month: Month | null;
}

const usageEntry = ({ row, micros, day, month, from, to }: Usage): Entry => ({
  kind: 'usage',
  row,
  accountId: null,
  micros,
  seconds: to - from,
  day,
  month,
});

function entriesOf({ row, move }: Move): Entry[] {
  const { accountId } = move;
  const entry = (kind: Entry['kind'], micros: bigint): Entry => ({
    kind,
    row,
    accountId,
    micros,
    seconds: null,
    day: null,
    month: null,
  });
  // In this order none of the three balances is ever below nothing on the way.
  return [entry('reserve', move.reserve), entry('charge', move.charge), entry('release', move.release)];
}

const WAYS = {
  usage: ['project', 'vendor'],
  reserve: ['available', 'reserved'],
  charge: ['reserved', 'charged'],
  release: ['reserved', 'available'],
} as const;

const REASONS = { usage: 'used', reserve: 'to go on', charge: 'used', release: 'not needed' } as const;

async function writeEntries(tx: Tx, now: Date, all: readonly Entry[]): Promise<void> {
  const entries = all.filter(({ micros }) => micros > 0n);
  if (entries.length === 0) return;
  const column = (pick: (one: Entry) => unknown) => sql.param(entries.map(pick));
  await tx.execute(sql`
    insert into ledger (at, kind, debit, credit, account_id, amount_micros, job_id, allocation_id, provider, offer,
      price_micros_per_hour, seconds, day, month, reason, actor)
    select ${now.toISOString()}::timestamptz, w.*, ${SYSTEM.id} from unnest(
      ${column(({ kind }) => kind)}::text[], ${column(({ kind }) => WAYS[kind][0])}::text[],
      ${column(({ kind }) => WAYS[kind][1])}::text[], ${column((e) => e.accountId)}::text[],
      ${column((e) => e.micros)}::bigint[], ${column(({ row }) => row.jobId)}::text[],
      ${column(({ row }) => row.allocationId)}::text[], ${column(({ row }) => row.provider)}::text[],
      ${column(({ row }) => row.offer)}::text[], ${column(({ row }) => row.priceMicrosPerHour)}::bigint[],
      ${column((e) => e.seconds)}::bigint[], ${column((e) => e.day)}::date[], ${column((e) => e.month)}::text[],
      ${column(({ kind }) => REASONS[kind])}::text[]) as w`);
}

async function writeDays(tx: Tx, usage: readonly Usage[]): Promise<void> {
  const column = (pick: (one: Usage) => unknown) => sql.param(usage.map(pick));
  const text = (pick: (row: PayingRow) => string | null) => sql`${column(({ row }) => pick(row))}::text[]`;
  await tx.execute(sql`
    insert into cost_days (month, day, allocation_id, job_id, organization, project, vendor, provider, region, offer, gpu_model,
      gpu_count, spot, purpose, price_micros_per_hour, from_seconds, seconds, micros)
    select * from unnest(${column((u) => u.month)}::text[], ${column((u) => u.day)}::date[], ${text((r) => r.allocationId)},
      ${text((r) => r.jobId)}, ${text((r) => r.organization)}, ${text((r) => r.project)}, ${text((r) => r.vendor)},
      ${text((r) => r.provider)}, ${text((r) => r.region)}, ${text((r) => r.offer)}, ${text((r) => r.gpuModel)},
      ${column(({ row }) => row.gpuCount)}::int[], ${column(({ row }) => row.spot)}::boolean[], ${text((r) => r.purpose)},
      ${column(({ row }) => row.priceMicrosPerHour)}::bigint[], ${column((u) => u.from)}::bigint[],
      ${column((u) => u.to - u.from)}::bigint[], ${column((u) => u.micros)}::bigint[])
    on conflict (month, day, allocation_id) do update
      set seconds = cost_days.seconds + excluded.seconds, micros = cost_days.micros + excluded.micros`);
}
