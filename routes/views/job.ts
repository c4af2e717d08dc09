import type { z } from 'zod';
import { HOLDING_ALLOCATION_STATES } from '../../src/core/allocation.ts';
import type { JobReason } from '../../src/core/job.ts';
import { RULE_TITLES, WAITING_TITLES, type Language } from '../../src/core/messages.ts';
import { formatMicros, toWire } from '../../src/core/money.ts';
import type { JobPlacement } from '../../src/store/read/allocations.ts';
import type { DecisionRow } from '../../src/store/read/decisions.ts';
import type { EventRow } from '../../src/store/read/events.ts';
import type { AllocationRow, JobRow } from '../../src/store/store.ts';
import type { decision } from '../schemas/decision.ts';
import type { jobSpec } from '../schemas/job.ts';
import { time } from './time.ts';

/** Rows as they go over the wire. Pure; money is in the accounting currency unless it says otherwise. */

/** The accounting currency, and the language that the reader prefers. */
export interface Shown {
  readonly currency: string;
  readonly language: Language;
}
const NOWHERE: JobPlacement = {
  current: null,
  chargedMicros: 0n,
  reservedMicros: 0n,
  standbyMicros: 0n,
  spares: [],
};

export function renderJob(row: JobRow, placed: JobPlacement = NOWHERE, { currency, language }: Shown) {
  const here = placed.current !== null && isThere(row, placed.current) ? placed.current : null;
  const spec = row.spec as z.output<typeof jobSpec>;
  const { placement: _, ...asked } = spec;
  return {
    id: row.id,
    ...asked,
    organization: row.organization,
    spec,
    state: row.state,
    reason: row.reason as JobReason,
    reasonDetail: row.reasonDetail,
    waiting:
      row.waiting === null ? null : { ...row.waiting, title: WAITING_TITLES[row.waiting.reason][language] },
    approval: renderApproval(row, currency),
    placement: here === null ? null : renderPlacement(here, currency),
    endpoints: [here, ...placed.spares].flatMap((one) =>
      one?.endpoint == null || !holds(one) ? [] : [{ url: one.endpoint, serving: one.serving }],
    ),
    home: row.home,
    protection: renderProtection(row, placed, currency),
    attempts: row.attempts,
    exitCode: row.exitCode,
    cost: {
      reserved: toWire(placed.reservedMicros, currency),
      charged: toWire(placed.chargedMicros, currency),
      standby: toWire(placed.standbyMicros, currency),
    },
    createdAt: row.createdAt.toISOString(),
    startedAt: time(row.startedAt),
    finishedAt: time(row.finishedAt),
  };
}

/**
 * Where it is, or (when it has ended) where it last was. A queued job's old allocation may still be on its way out
 * elsewhere: the job is not there any more.
 */
function isThere(row: JobRow, allocation: AllocationRow): boolean {
  return row.state !== 'queued' && allocation.id === row.currentAllocationId;
}

function renderApproval({ approval }: JobRow, currency: string) {
  if (approval === null) return null;
  const { budgetId, aboveMicros, approvedBy, approvedAt, note } = approval;
  const limit = toWire(BigInt(aboveMicros), currency);
  return { needed: approvedBy === null, budget: budgetId, limit, approvedBy, approvedAt, note };
}

function holds(allocation: AllocationRow): boolean {
  return (HOLDING_ALLOCATION_STATES as readonly string[]).includes(allocation.state);
}

function renderProtection(row: JobRow, { spares }: JobPlacement, currency: string) {
  if (row.spares === 0) return null;
  return {
    wanted: row.spares,
    spares: spares.map((one) => ({
      ...renderPlacement(one, currency),
      allocation: one.id,
      role: one.role === 'replica' ? ('replica' as const) : ('standby' as const),
      ready: one.state === 'active' && one.startedAt !== null,
      endpoint: one.endpoint,
    })),
    waiting: spares.length < row.spares ? row.spareWaiting : null,
  };
}

function renderPlacement(row: AllocationRow, currency: string) {
  return {
    provider: row.provider,
    region: row.region,
    offer: row.offer,
    spot: row.spot,
    pricePerHour: toWire(row.priceMicrosPerHour, currency),
    since: row.placedAt.toISOString(),
  };
}

export function renderAllocation(row: AllocationRow, currency: string) {
  return {
    id: row.id,
    attempt: row.attempt,
    role: row.role,
    purpose: row.purpose,
    tookOver: row.tookOver,
    provider: row.provider,
    offer: row.offer,
    region: row.region,
    spot: row.spot,
    state: row.state,
    pricePerHour: toWire(row.priceMicrosPerHour, currency),
    listPricePerHour: toWire(row.listPriceMicrosPerHour, row.listCurrency),
    rate: formatMicros(row.rateMicros),
    placedAt: row.placedAt.toISOString(),
    startedAt: time(row.startedAt),
    releasingAt: time(row.releasingAt),
    releasedAt: time(row.releasedAt),
    endReason: row.endReason,
    endDetail: row.endDetail,
    outcome: row.outcome,
    exitCode: row.exitCode,
    meteredSeconds: row.meteredSeconds,
    cost: toWire(row.chargedMicros, currency),
    restoredCheckpoint: row.restoredCheckpoint,
  };
}

/** What a provider's vendor may know of what ran there: how long, how it ended, what it earned. Nothing of the tenant. */
export function renderVendorAllocation(row: AllocationRow, currency: string) {
  const { endDetail: _, restoredCheckpoint: __, ...known } = renderAllocation(row, currency);
  return known;
}

export function renderEvent(row: EventRow) {
  return {
    seq: row.seq,
    at: row.at.toISOString(),
    type: row.type,
    reason: row.reason,
    detail: row.detail,
    allocationId: row.allocationId,
    data: row.data,
  };
}

/**
 * Stored as it was decided; one of an older version lacks what that did not know. Titles are in the reader's language,
 * so they are not part of what is stored.
 */
export function renderDecision(row: DecisionRow, language: Language): z.output<typeof decision> {
  const body = row.body as z.output<typeof decision>;
  const { id, at, allocationId, inputId } = row;
  const removed = body.removed.map((one) => ({
    ...one,
    title: RULE_TITLES[one.rule]?.[language] ?? one.rule,
  }));
  return { ...body, removed, id, at: at.toISOString(), allocationId, inputId };
}
