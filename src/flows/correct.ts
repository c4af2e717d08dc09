import { coversProject, tenantScope, type Actor } from '../core/access.ts';
import { currencyFaults } from '../core/ledger/budget-check.ts';
import { Calendar, type Day } from '../core/ledger/calendar.ts';
import { correctedParts, lackingPayers, type CorrectedPart } from '../core/ledger/correction.ts';
import type { CorrectionKind } from '../core/ledger/words.ts';
import { formatMicros, parseMicros, type WireMoney } from '../core/money.ts';
import { Problem } from '../core/problem.ts';
import type { Deps } from '../deps.ts';
import { appendAudit } from '../store/apply/audit.ts';
import { holdBill, writeCorrection, type Correction } from '../store/apply/corrections.ts';
import { wakeUnpaid } from '../store/apply/unpaid.ts';
import { correctedSoFar, lockPayers } from '../store/load/payers.ts';
import { lockPaying, type PayingRow } from '../store/load/paying.ts';
import type { Tx } from '../store/store.ts';
import { once, type Answer, type Ask } from './once.ts';

/** What is to be corrected, and why. */
export interface CorrectionWish {
  readonly allocation: string;
  readonly amount: WireMoney;
  readonly kind: CorrectionKind;
  readonly reason: string;
}

/**
 * Corrects what a run was charged: in every budget that paid for it, and on the bill.
 * Problems: not-found (or it is somebody else's), state-conflict (it is not over), impossible-spec (of nothing, in another
 * currency, it never ran, or more than it was charged), budget-exhausted (a budget has not so much left).
 */
export async function correct<Body>(
  deps: Deps,
  actor: Actor,
  wish: CorrectionWish,
  ask: Ask<Correction, Body>,
): Promise<Answer<Body>> {
  const now = deps.clock.now();
  const errors = currencyFaults(deps.config.currency, { '/amount': wish.amount });
  const micros = parseMicros(wish.amount.amount);
  if (micros === 0n) errors.push({ pointer: '/amount/amount', detail: 'Greater than 0.' });
  if (errors.length > 0)
    throw new Problem('impossible-spec', 'The correction contradicts itself.', { errors });
  const answer = await once(deps, actor, ask, now, async (tx) => {
    const correction = await make(deps, tx, actor, wish, micros, now);
    await record(tx, actor, correction, ask.requestId);
    return correction;
  });
  if (wish.kind === 'credit') {
    await wakeUnpaid(deps.store.db, null);
    deps.bell.ring('place');
  }
  return answer;
}

async function make(
  deps: Deps,
  tx: Tx,
  actor: Actor,
  { allocation, kind, reason }: CorrectionWish,
  micros: bigint,
  now: Date,
): Promise<Correction> {
  const row = await lockOver(deps, tx, actor, allocation, now);
  const calendar = new Calendar(deps.config.timeZone);
  const day = lastDay(row, calendar);
  if (kind === 'credit') await refuseMore(deps, tx, row, micros);
  const parts = await partsOf(deps, tx, row, kind, micros);
  const month = await holdBill(tx, day, calendar.dayOf(now));
  const id = deps.ids.next('cor', now);
  const correction = { id, at: now, by: actor.id, row, kind, micros, month, day, reason, parts };
  await writeCorrection(tx, correction);
  return correction;
}

/** An allocation of one's own that has ended, locked. */
async function lockOver({ timing }: Deps, tx: Tx, actor: Actor, id: string, now: Date): Promise<PayingRow> {
  const [row] = await lockPaying(tx, now, timing.leaseSeconds, [id]);
  const inScope = (project: PayingRow) =>
    coversProject(tenantScope(actor), { name: project.project, organization: project.organization });
  if (row === undefined || !inScope(row)) throw new Problem('not-found', 'There is no such allocation.');
  if (row.phase !== 'over')
    throw new Problem('state-conflict', 'It is not over yet: what it is charged still grows.');
  return row;
}

/** The day of its last second. */
function lastDay({ startedAt, meteredSeconds }: PayingRow, calendar: Calendar): Day {
  if (startedAt === null || meteredSeconds === 0)
    throw new Problem('impossible-spec', 'It never ran, so nothing was charged for it.');
  return calendar.dayOf(new Date(startedAt.getTime() + (meteredSeconds - 1) * 1000));
}

async function refuseMore({ config }: Deps, tx: Tx, row: PayingRow, micros: bigint): Promise<void> {
  const charged = row.chargedMicros + (await correctedSoFar(tx, row.allocationId));
  if (micros <= charged) return;
  const detail = `It was charged ${formatMicros(charged)} ${config.currency}, which is less than that.`;
  throw new Problem('impossible-spec', detail, { errors: [{ pointer: '/amount/amount', detail }] });
}

async function partsOf(
  { config }: Deps,
  tx: Tx,
  row: PayingRow,
  kind: CorrectionKind,
  micros: bigint,
): Promise<CorrectedPart[]> {
  const payers = await lockPayers(tx, row);
  const parts = correctedParts(payers, kind, micros);
  const [lacking] = kind === 'charge' ? lackingPayers(payers, parts, row.failover) : [];
  if (lacking === undefined) return parts;
  const whose = lacking.budgetId === null ? 'The limit of the job' : `The budget ${lacking.budgetId}`;
  throw new Problem('budget-exhausted', `${whose} has not ${formatMicros(micros)} ${config.currency} left.`);
}

async function record(tx: Tx, actor: Actor, correction: Correction, requestId: string): Promise<void> {
  const { id, at, row, kind, micros, month, day, reason } = correction;
  const { allocationId: allocation, jobId: job } = row;
  const data = { allocation, job, kind, amount: formatMicros(micros), month, day, reason };
  await appendAudit(tx, at, [{ actor, action: 'correction.create', target: id, requestId, data }]);
}
