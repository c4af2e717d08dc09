import { z } from 'zod';
import { PURPOSES } from '../../src/core/allocation.ts';
import { COST_DIMENSIONS } from '../../src/core/ledger/costs.ts';
import { currency, field, slug, vendorName } from './fields.ts';

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DIMENSION = COST_DIMENSIONS.join('|');

const day = (description: string, example: string) =>
  field(z.string().min(10).max(40).optional(), description, example);

/** Days of a report. */
export const span = {
  from: day(
    'First day, `YYYY-MM-DD` of the installation’s time zone, or the RFC 3339 time at which it begins. Absent: the first of this month.',
    '2026-11-01',
  ),
  to: day('The day after the last, the same way. Absent: the first of the month after `from`.', '2026-12-01'),
};

const purpose = (description: string) => field(z.enum(PURPOSES), description, 'run');

export const costsQuery = z.strictObject({
  ...span,
  groupBy: field(
    z
      .string()
      .regex(
        new RegExp(`^(?:(?:${DIMENSION})(?:,(?:${DIMENSION}))*)?$`),
        `must be some of ${COST_DIMENSIONS.join(', ')}, with commas between them`,
      )
      .default('project'),
    `What to tell apart: any of ${COST_DIMENSIONS.map((one) => `\`${one}\``).join(', ')}, with commas between them; empty: only the total. Not for \`focus\`.`,
    'project,provider',
  ),
  format: field(
    z.enum(['json', 'csv', 'focus']).default('json'),
    '`json`; `csv`: the same rows, all of them; `focus`: FOCUS 1.2, a row for each allocation and month.',
    'json',
  ),
  project: field(slug().optional(), 'Only of this project.', 'kogpt'),
  provider: field(slug().optional(), 'Only what ran there.', 'pangyo'),
  purpose: purpose('Only what it was for.').optional(),
  limit: field(
    z
      .string()
      .regex(/^\d{1,5}$/, 'must be a whole number')
      .transform(Number)
      .pipe(z.int().min(1).max(10_000))
      .default(1_000),
    'How many rows of JSON at most; `rows` says how many there are.',
    '1000',
  ),
});

export const spanQuery = z.strictObject(span);
export const alternativesQuery = z.strictObject({
  ...span,
  project: field(slug().optional(), 'Only of this project.', 'kogpt'),
});

/** Unlike a price, a sum may be below zero (a credit), and is of many. */
export const costAmount = z
  .object({
    amount: field(
      z.string().regex(/^-?(0|[1-9]\d{0,18})(\.\d{1,6})?$/),
      'Decimal, in units of the currency; below zero where more was given back than used.',
      '1234567.890123',
    ),
    currency: field(currency(), 'The accounting currency, ISO 4217.', 'KRW'),
  })
  .meta({
    id: 'Cost',
    description: 'A sum of costs, exact, without VAT.',
    examples: [{ amount: '1234567.890123', currency: 'KRW' }],
  });

const outDay = (description: string, example: string) => field(z.string().regex(DAY), description, example);
export const days = {
  from: outDay('First day, of the installation’s time zone.', '2026-11-01'),
  to: outDay('The day after the last.', '2026-12-01'),
};
export const sums = {
  hours: field(z.number(), 'Hours of allocations.', 120.5),
  gpuHours: field(z.number(), 'The same times the GPUs that each had.', 964),
  cost: costAmount,
};

const item = z
  .object({
    project: field(z.string().optional(), 'Name of the project.', 'kogpt'),
    provider: field(z.string().optional(), 'Name of the provider.', 'pangyo'),
    gpu: field(z.string().nullable().optional(), 'Model of the GPUs; null: none.', 'H100'),
    job: field(z.string().optional(), 'Id of the job.', 'job-01jd3m8r'),
    purpose: purpose('What it was for.').optional(),
    day: outDay(
      'The day; of a correction, the first of the month whose bill it is on.',
      '2026-11-24',
    ).optional(),
    month: field(z.string().optional(), 'The month whose bill it is on.', '2026-11'),
    organization: field(z.string().optional(), 'Name of the organization.', 'acme'),
    vendor: field(z.string().optional(), 'Name of the vendor.', 'nhn'),
    offer: field(vendorName().optional(), 'Name of the offer.', 'h100x8'),
    ...sums,
  })
  .meta({ description: 'What was asked to be told apart, and what it comes to.' });

export const costReport = z
  .object({
    ...days,
    groupBy: z.array(field(z.enum(COST_DIMENSIONS), 'What is told apart.', 'project')).meta({
      description: 'What is told apart, in this order.',
      examples: [['project', 'provider']],
    }),
    items: z.array(item).meta({
      description: 'Dearest first; grouped by `day` or `month` first: by these, and then dearest first.',
    }),
    rows: field(z.int(), 'How many items there are, also beyond `limit`.', 12),
    total: z.object(sums).meta({ description: 'Of all of them.' }),
  })
  .meta({ id: 'CostReport', description: 'What was used, and what it cost.' });

export const statement = z
  .object({
    provider: field(z.string(), 'Name of the provider.', 'pangyo'),
    vendor: field(z.string(), 'Name of its vendor.', 'nhn'),
    ...days,
    items: z
      .array(
        z.object({
          offer: field(vendorName(), 'Name of the offer.', 'h100x8'),
          ...sums,
          purposes: z.array(z.object({ purpose: purpose('What it was for.'), ...sums })).meta({
            description: 'The same by what it was for.',
          }),
        }),
      )
      .meta({ description: 'By offer.' }),
    total: z
      .object(sums)
      .meta({ description: 'Of all of them: to the last micro what tenants are charged for it.' }),
  })
  .meta({ id: 'Statement', description: 'What a provider earned.' });

const compared = {
  allocations: field(z.int(), 'How many allocations.', 40),
  cost: costAmount.meta({ description: 'What they cost where they ran.' }),
};

export const alternatives = z
  .object({
    ...days,
    ran: z.object(compared).meta({ description: 'Everything that ran.' }),
    compared: z.object(compared).meta({ description: 'Of it, what a decision with candidates is kept of.' }),
    items: z
      .array(
        z.object({
          provider: field(z.string(), 'Name of the provider.', 'gwangju'),
          spot: field(z.boolean(), 'Is it capacity that can be taken away?', false),
          ...compared,
          wouldHaveCost: costAmount.meta({ description: 'What the same work would have cost there.' }),
          difference: costAmount.meta({
            description: '`wouldHaveCost` less `cost`: below zero, it would have been cheaper.',
          }),
        }),
      )
      .meta({
        description:
          'Each place and kind of price that was a candidate for any of it, also those that were taken; the greatest saving first.',
      }),
    notes: z
      .array(field(z.string(), 'A sentence.', 'Prices are those of the moment of the decision.'))
      .meta({ description: 'What has to be known to read it.' }),
  })
  .meta({ id: 'CostAlternatives', description: 'What the same work would have cost elsewhere.' });
