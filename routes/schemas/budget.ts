import { z } from 'zod';
import { isDay } from '../../src/core/ledger/calendar.ts';
import { ON_EXHAUSTED, PERIOD_KINDS } from '../../src/core/ledger/words.ts';
import { field, id, money, paging, safeLine, slug, utcTime, version } from './fields.ts';

/** Days that a budget can be about: text of four digits, so that they compare as text. */
const day = () =>
  z
    .string()
    .regex(/^2[01]\d\d-\d\d-\d\d$/, 'must be a day as 2026-11-24')
    .refine(isDay, 'must be a day that there is');
const moneyOf = (description: string) => money.meta({ description });
export const reason = () => safeLine(500);

const thresholds = z.array(z.int().min(1).max(100)).max(20);
const allotments = z
  .array(
    z.strictObject({
      afterMonths: field(
        z.int().min(0).max(119),
        "0: from the period's start; else from the first day of the month that is so many after it.",
        3,
      ),
      amount: moneyOf('How much more may be spent from then on.'),
    }),
  )
  .max(120);

const RESERVE = 'Of the cap, what only moves from a disaster may draw on; null: nothing.';
const ABOVE =
  'A job that may cost more (or does not say how much, by `limits.maxCost`) needs an approval; null: none does.';

const parts = {
  cap: moneyOf('What each period may cost, without VAT; in the accounting currency.'),
  thresholds: field(
    thresholds,
    'When somebody is told: percent of what may be spent by then, reserved and charged together; rising.',
    [50, 80, 100],
  ),
  onExhausted: field(
    z.enum(ON_EXHAUSTED),
    'What becomes of work when the money is used up. `stop`: it is stopped, saved, and queued again. `block`: it starts only if all that it may cost can be held, and is then never stopped for money.',
    'stop',
  ),
  allotments: allotments.meta({
    description: 'When which part of a cap may be spent; empty: all from the start.',
  }),
  carryOver: field(z.boolean(), 'Does what is left of a period go on to the next?', false),
};

export const budgetRequest = z
  .strictObject({
    name: field(slug(), 'Unique in its organization.', 'gpt-2026'),
    scope: z
      .union([
        z.strictObject({ organization: field(slug(), 'All projects of this organization.', 'acme') }),
        z.strictObject({ project: field(slug(), 'This project.', 'kogpt') }),
      ])
      .meta({ description: 'Whose work it is for.', examples: [{ project: 'kogpt' }] }),
    period: z
      .strictObject({
        kind: field(
          z.enum(PERIOD_KINDS),
          "How long one cap lasts, by the calendar of the installation's time zone; `once`: from the first day to the last.",
          'fiscal-year',
        ),
        from: field(
          day().nullish(),
          'Its first day; absent: that of the current period, of `once` today.',
          '2026-01-01',
        ),
        until: field(
          day().nullish(),
          'The day after its last; absent: it goes on. `once` needs it.',
          '2027-01-01',
        ),
      })
      .meta({ description: 'When it is.' }),
    cap: parts.cap,
    thresholds: parts.thresholds.default([50, 80, 100]),
    onExhausted: parts.onExhausted.default('stop'),
    disasterReserve: money.nullish().meta({ description: RESERVE }),
    allotments: parts.allotments.default([]),
    carryOver: parts.carryOver.default(false),
    approvalAbove: money.nullish().meta({ description: ABOVE }),
  })
  .meta({
    id: 'BudgetRequest',
    description: 'A budget. Two of one scope and period kind may not have a day in common.',
  });

export const budgetPatch = z
  .strictObject({
    cap: parts.cap.optional(),
    thresholds: parts.thresholds.optional(),
    onExhausted: parts.onExhausted.optional(),
    disasterReserve: money.nullish().meta({ description: RESERVE }),
    allotments: parts.allotments.optional(),
    carryOver: parts.carryOver.optional(),
    approvalAbove: money.nullish().meta({ description: ABOVE }),
    until: field(
      day().nullish(),
      'The day after its last, which is to come; null: it goes on.',
      '2027-01-01',
    ),
    reason: field(
      reason().optional(),
      'Why, for the record; needed where the cap changes.',
      'second supplement',
    ),
  })
  .meta({ id: 'BudgetPatch', description: 'What of a budget is to change; what is absent stays.' });

const days = z.object({
  from: field(z.string(), 'First day.', '2026-01-01'),
  until: field(z.string(), 'The day after the last.', '2027-01-01'),
});

export const budget = z
  .object({
    id: field(z.string(), 'Names the budget.', 'bud-01jd3m8r'),
    name: field(z.string(), 'As it was given.', 'gpt-2026'),
    organization: field(z.string(), 'Whose it is.', 'acme'),
    project: field(
      z.string().nullable(),
      'The project that it is for; null: all of the organization.',
      'kogpt',
    ),
    period: z
      .object({
        kind: field(z.enum(PERIOD_KINDS), 'How long one cap lasts.', 'fiscal-year'),
        from: field(z.string(), 'First day of the budget.', '2026-01-01'),
        until: field(z.string().nullable(), 'The day after its last; null: it goes on.', null),
        current: days.nullable().meta({
          description: 'The period that is now, and that the amounts are of; null: there is none now.',
        }),
      })
      .meta({ description: "When it is, in days of the installation's time zone." }),
    cap: moneyOf('What each period may cost: what can be changed.'),
    currentCap: moneyOf(
      'What the current period may cost: with what transfers and the last period brought or took.',
    ),
    allotted: moneyOf('What of that may be spent by now.'),
    reserved: moneyOf('Held for work that has a place.'),
    charged: moneyOf('What was used, of this period.'),
    available: moneyOf('Allotted, and neither reserved nor charged; the disaster reserve is in it.'),
    disasterReserve: z
      .object({
        amount: moneyOf('What only moves from a disaster may draw on.'),
        used: moneyOf('What they have drawn from it.'),
      })
      .meta({ description: 'The disaster reserve of the current period.' }),
    burnPerHour: moneyOf('What everything under it that has a place costs per hour.'),
    forecast: moneyOf(
      "What would have been charged by the period's end if that went on. It may be more than the cap: then the work is stopped before.",
    ),
    exhaustedAt: field(
      utcTime().nullable(),
      'When what runs would have used up all that is allotted now for ordinary work, RFC 3339; it is stopped a little before. Null: not in this period.',
      null,
    ),
    thresholds: parts.thresholds,
    onExhausted: parts.onExhausted,
    allotments: parts.allotments,
    carryOver: parts.carryOver,
    approvalAbove: money.nullable().meta({ description: ABOVE }),
    version: version(),
    createdAt: field(utcTime(), 'When it was made, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    createdBy: field(z.string(), 'Id of the key that made it.', 'key-01jd3m7a'),
  })
  .meta({ id: 'Budget', description: 'A budget, and how its current period stands.' });

export const budgetParams = z.object({ id: field(id(), 'Id of the budget.', 'bud-01jd3m8r') });
export const budgetQuery = z.strictObject({
  project: field(slug().optional(), 'Only those of this project alone.', 'kogpt'),
  organization: field(slug().optional(), 'Only of this organization and its projects.', 'acme'),
  ...paging,
});
