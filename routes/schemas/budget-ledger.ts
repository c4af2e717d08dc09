import { z } from 'zod';
import { SPARE_ROLES } from '../../src/core/allocation.ts';
import { BALANCES, ENTRY_KINDS, TRANSFER_STATES } from '../../src/core/ledger/words.ts';
import { reason } from './budget.ts';
import { field, id, money, paging, safeLine, utcTime } from './fields.ts';

const moneyOf = (description: string) => money.meta({ description });
const at = (description: string) => field(utcTime(), `${description} RFC 3339.`, '2026-11-22T10:00:00.000Z');
const maybeAt = (description: string) =>
  field(utcTime().nullable(), `${description} RFC 3339; null: not yet.`, '2026-11-22T10:00:00.000Z');
const maybe = (description: string, example: string | null) =>
  field(z.string().nullable(), description, example);
const period = z
  .object({
    from: field(z.string(), 'First day.', '2026-11-01'),
    until: field(z.string(), 'The day after the last.', '2026-12-01'),
  })
  .meta({ description: 'Which period of the budget.' });

export const entry = z
  .object({
    seq: field(z.int(), 'Grows; an entry is never changed nor taken back.', 4711),
    at: at('When it was written,'),
    kind: field(
      z.enum(ENTRY_KINDS),
      'Why money moved. `appropriate`: a period got its cap, or another one. `reserve`: it is held for work. `charge`: of that, what was used. `release`: of that, what was not needed. `transfer`, `carry`: it went to another budget, or to the next period. `adjust`: what was charged is corrected.',
      'reserve',
    ),
    debit: field(
      z.enum(BALANCES),
      'Where it was. `appropriation` is the outside, where caps come from and go to.',
      'available',
    ),
    credit: field(z.enum(BALANCES), 'Where it is then.', 'reserved'),
    amount: moneyOf('How much.'),
    period,
    job: maybe('The job that it is for.', 'job-01jd3m8r'),
    allocation: maybe('Its attempt.', 'alc-01jd3m9k'),
    provider: maybe('Where that is.', 'pangyo'),
    offer: maybe('What was bought there.', 'h100x8'),
    pricePerHour: money.nullable().meta({ description: 'Its locked price, all nodes together.' }),
    reason: field(z.string(), 'Why, for people.', 'to go on'),
    actor: field(z.string(), 'Id of the key; `system` for the service itself.', 'system'),
    transfer: maybe(
      'Of the two entries of a transfer, or of what is carried over, and of all of a correction: what they share.',
      null,
    ),
  })
  .meta({
    id: 'LedgerEntry',
    description: 'A movement of money: from one balance to another, so that it sums to zero.',
  });

export const entryQuery = z.strictObject({
  kind: field(z.enum(ENTRY_KINDS).optional(), 'Only of this kind.', 'charge'),
  job: field(id().optional(), 'Only of this job.', 'job-01jd3m8r'),
  ...paging,
});

export const alert = z
  .object({
    threshold: field(z.int(), 'Percent of what could be spent then.', 80),
    at: at('When it was noticed,'),
    period,
    used: moneyOf(
      'What was reserved and charged then. Of 100 percent it may be less than `allotted`: what was left was too little to pay for what ran.',
    ),
    allotted: moneyOf('What could be spent then.'),
  })
  .meta({ id: 'BudgetAlert', description: 'A threshold that was reached: once for each period.' });

export const exception = z
  .object({
    id: field(z.string(), 'Names the exception.', 'exc-01jd3m8r'),
    at: at('When it was opened,'),
    period,
    job: field(z.string(), 'The work that went on.', 'job-01jd3m8r'),
    detail: field(z.string(), 'What was missing.', 'the budget gpt-2026 lacks 40000 KRW'),
    closedAt: maybeAt('When somebody answered for it,'),
    closedBy: maybe('Id of the key of who did.', null),
    resolution: maybe('What was decided.', null),
  })
  .meta({
    id: 'BudgetException',
    description:
      'Work that must not stop, and for which there was no money. While it is open, the budget pays for no ordinary work.',
  });

export const closeRequest = z
  .strictObject({ resolution: field(safeLine(500), 'What was decided.', 'paid from the contingency fund') })
  .meta({ id: 'ExceptionClosing', description: 'The answer for an exception.' });
export const exceptionParams = z.object({
  id: field(id(), 'Id of the budget.', 'bud-01jd3m8r'),
  exception: field(id(), 'Id of the exception.', 'exc-01jd3m8r'),
});

export const verification = z
  .object({
    ok: field(
      z.boolean(),
      'Do the entries come to what all its periods say, and the holds to what is reserved?',
      true,
    ),
    accounts: z
      .array(
        z.object({
          ok: field(z.boolean(), 'Of this period.', true),
          period,
          cap: moneyOf('As it is kept.'),
          reserved: moneyOf('As it is kept.'),
          charged: moneyOf('As it is kept.'),
          entries: z
            .object({
              count: field(z.int(), 'How many there are.', 1742),
              cap: moneyOf('What they come to.'),
              available: moneyOf('What they leave of that.'),
              reserved: moneyOf('What they come to.'),
              charged: moneyOf('What they come to.'),
            })
            .meta({ description: 'What the entries come to, each of them added up.' }),
          holds: moneyOf('What is held for allocations, each of them added up.'),
        }),
      )
      .meta({ description: 'Its periods, oldest first.' }),
  })
  .meta({ id: 'BudgetVerification', description: 'Whether a budget is what its entries say.' });

export const outlook = z
  .object({
    exhaustedAt: field(
      utcTime().nullable(),
      'When what runs will have used up all that is allotted now for ordinary work, RFC 3339; it is stopped a little before. Null: not in this period.',
      '2026-11-25T04:00:00.000Z',
    ),
    burnPerHour: moneyOf('What all of it costs per hour.'),
    available: moneyOf('What can still be held.'),
    items: z
      .array(
        z.object({
          job: field(z.string(), 'The job.', 'job-01jd3m8r'),
          name: field(z.string(), 'Its name.', 'koelectra-pretrain'),
          project: field(z.string(), 'Its project.', 'kogpt'),
          allocation: field(z.string(), 'The attempt, or what stands by for it.', 'alc-01jd3m9k'),
          role: field(z.enum(['run', ...SPARE_ROLES]), 'What it is of the job.', 'run'),
          provider: field(z.string(), 'Where it is.', 'pangyo'),
          pricePerHour: moneyOf('What it costs.'),
          reserved: moneyOf('What the budget holds for it.'),
          heldUntil: maybeAt('Until when it is paid; that grows while there is money,'),
          mustNotStop: field(z.boolean(), 'Is it stopped last, and only with an exception?', false),
        }),
      )
      .meta({ description: 'What has a place, newest first.' }),
    nextCursor: maybe('Pass it as `cursor` for the next page; null on the last one.', null),
  })
  .meta({ id: 'BudgetOutlook', description: 'What runs under a budget, and when its money is used up.' });

export const transferRequest = z
  .strictObject({
    to: field(id(), 'Id of the budget that is to have it.', 'bud-01jd3m9s'),
    amount: moneyOf('How much, in the accounting currency.'),
    reason: field(reason(), 'Why, for the record.', 'the training was moved to the other team'),
  })
  .meta({ id: 'TransferRequest', description: 'Money that is to go from one budget to another.' });

export const transfer = z
  .object({
    id: field(z.string(), 'Names the transfer.', 'trf-01jd3m8r'),
    from: field(z.string(), 'Id of the budget that gives.', 'bud-01jd3m8r'),
    to: field(z.string(), 'Id of the budget that gets.', 'bud-01jd3m9s'),
    amount: moneyOf('How much.'),
    reason: field(z.string(), 'Why.', 'the training was moved to the other team'),
    state: field(z.enum(TRANSFER_STATES), '`requested` until somebody else has decided.', 'requested'),
    createdAt: at('When it was asked for,'),
    createdBy: field(z.string(), 'Id of the key of who asked.', 'key-01jd3m7a'),
    decidedAt: maybeAt('When it was decided,'),
    decidedBy: maybe('Id of the key of who decided.', null),
    note: maybe('What was said with it.', null),
  })
  .meta({ id: 'Transfer', description: 'Money that goes from one budget to another.' });

export const decisionRequest = z
  .strictObject({ note: field(safeLine(500).nullish(), 'For the record.', 'as agreed') })
  .nullish()
  .meta({ description: 'What is to be said with it.', examples: [{}] });
export const transferParams = z.object({
  id: field(id(), 'Id of either budget.', 'bud-01jd3m8r'),
  transfer: field(id(), 'Id of the transfer.', 'trf-01jd3m8r'),
});
