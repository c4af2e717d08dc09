/** How long a budget's money is for. `fiscal-year` is the calendar year, as in Korea; all are of the installation's zone. */
export const PERIOD_KINDS = ['month', 'quarter', 'fiscal-year', 'once'] as const;
export type PeriodKind = (typeof PERIOD_KINDS)[number];

/**
 * What becomes of work when the money is used up.
 * stop: money is held for a short while at a time; what cannot be held any longer is stopped, its checkpoint saved.
 * block: work starts only if all that it may cost can be held, and is then never stopped for money.
 */
export const ON_EXHAUSTED = ['stop', 'block'] as const;
export type OnExhausted = (typeof ON_EXHAUSTED)[number];

/**
 * Where money can be. `available`, `reserved` and `charged` belong to an account; the others are the outside:
 * `appropriation` is where a cap comes from, `project` owes what `vendor` has earned.
 */
export const BALANCES = ['appropriation', 'available', 'reserved', 'charged', 'project', 'vendor'] as const;
export type Balance = (typeof BALANCES)[number];

/**
 * Why money moved, and from where to where.
 * usage: what was used, of everything, whoever holds money for it: project → vendor.
 * appropriate: a cap, or a change of it: appropriation → available, or back.
 * reserve, charge, release: available → reserved → charged, reserved → available.
 * transfer: of one budget to another (two entries, one `transferId`); carry: of one period to the next, the same way.
 * adjust: a correction of what was charged: charged → available, or back; of the usage: vendor → project, or back.
 */
export const ENTRY_KINDS = [
  'usage',
  'appropriate',
  'reserve',
  'charge',
  'release',
  'transfer',
  'carry',
  'adjust',
] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** credit: less is charged than was. charge: more. */
export const CORRECTION_KINDS = ['credit', 'charge'] as const;
export type CorrectionKind = (typeof CORRECTION_KINDS)[number];

export const TRANSFER_STATES = ['requested', 'done', 'rejected'] as const;
export type TransferState = (typeof TRANSFER_STATES)[number];

/** What a webhook can be told of. */
export const WEBHOOK_EVENTS = [
  'budget.threshold',
  'budget.exhausted',
  'budget.exception',
  'job.approval-needed',
  'job.stopped-for-money',
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

export const DELIVERY_STATES = ['pending', 'delivered', 'failed'] as const;
export type DeliveryState = (typeof DELIVERY_STATES)[number];

/** A part of a period's cap that may be spent only from so many months after its start. */
export interface Allotment {
  readonly afterMonths: number;
  /** Micros as a decimal string: it is stored as JSON. */
  readonly micros: string;
}
