import { z } from 'zod';
import { JOB_KINDS } from '../../src/core/job.ts';
import { NOWHERE_REASONS } from '../../src/core/readiness.ts';
import { currency, field, money, page, paging, slug, utcTime, vendorName } from './fields.ts';

export const readinessQuery = z.strictObject({
  provider: field(slug().optional(), 'Only what runs there.', 'pangyo'),
  project: field(slug().optional(), 'Only of this project.', 'kogpt'),
  ...paging,
});

const seconds = (description: string, example: number | null) =>
  field(z.number().nullable(), `${description}, seconds.`, example);
const jobs = (description: string, example: number) => field(z.int(), description, example);

const place = {
  provider: field(z.string(), 'Name of the provider.', 'gwangju'),
  region: field(vendorName(), 'Region of the offer.', 'kr-south'),
  offer: field(vendorName(), 'Name of the offer.', 'h100x8'),
  spot: field(z.boolean(), 'Is it capacity that can be taken away?', false),
  pricePerHour: money.meta({ description: 'Of all nodes per hour, in the accounting currency.' }),
};

const change = z
  .object({
    amount: field(
      z.string().regex(/^-?(0|[1-9]\d{0,18})(\.\d{1,6})?$/),
      'Decimal, in units of the currency; negative: it would cost less.',
      '-1200',
    ),
    currency: field(currency(), 'ISO 4217 code.', 'KRW'),
  })
  .meta({ description: 'What it would cost more than now, per hour.' });

const outlook = (of: string, example: number) =>
  z
    .object({
      targetSeconds: seconds('What the job asked for; null: nothing', example),
      met: field(
        z.boolean().nullable(),
        'Would it be met? Null: there is no target, or it cannot be said.',
        true,
      ),
    })
    .meta({ description: of });

export const readiness = z
  .object({
    jobId: field(z.string(), 'The job.', 'job-01jd3m8r'),
    name: field(z.string(), 'Its name.', 'koelectra-pretrain'),
    project: field(z.string(), 'Name of its project.', 'kogpt'),
    organization: field(z.string(), 'Name of the organization whose project it is.', 'acme'),
    kind: field(z.enum(JOB_KINDS), '`training` ends by itself; `inference` is a service.', 'training'),
    from: z
      .object({ ...place, provider: field(z.string(), 'Name of the provider.', 'pangyo') })
      .meta({ description: 'Where it runs, which is what is assumed to be lost.' }),
    to: z
      .object({ ...place, priceChangePerHour: change })
      .nullable()
      .meta({ description: 'Where it would go; null: nowhere, see `nowhere`.' }),
    nowhere: z
      .object({
        reason: field(z.enum(NOWHERE_REASONS), 'Why it would go nowhere.', 'no-capacity'),
        detail: field(z.string(), 'What is the matter and what would have to change.', 'needs 8 free H100 …'),
        title: field(
          z.string(),
          'The reason in words; in Korean where `Accept-Language` asks for it.',
          'Everything that matches is in use.',
        ),
      })
      .nullable()
      .meta({ description: 'Only where `to` is null.' }),
    expectedSeconds: seconds(
      'From the loss until it runs again (of a service: until it answers): `fenceSeconds` and the median of what starting took at that provider lately. Null: it would go nowhere, or nothing was seen to start there yet',
      7.4,
    ),
    fenceSeconds: field(
      z.number(),
      'The part of it that is known: until the lease at the lost place is over and the job is placed again, seconds.',
      6.75,
    ),
    checkpointAgeSeconds: seconds(
      'Age of what it would go on from; null: nothing was ever saved, or it is a service',
      120,
    ),
    lostSeconds: seconds(
      'Work that would be done again: since the checkpoint or, without one, since it began; null: a service',
      120,
    ),
    rto: outlook('Against `continuity.rtoSeconds`: `expectedSeconds`. Nowhere to go misses it.', 300),
    rpo: outlook('Against `continuity.rpoSeconds`: `lostSeconds`, were it now. A service has none.', 600),
  })
  .meta({ id: 'JobReadiness', description: 'What the loss of its provider would mean to a job that runs.' });

const coverage = {
  running: jobs('Jobs that run.', 20),
  covered: jobs('Of them, those that would go on elsewhere.', 18),
  uncovered: jobs('Of them, those that would not.', 2),
};

const summary = z
  .object({
    ...coverage,
    byProvider: z
      .array(z.object({ provider: field(z.string(), 'Where they run.', 'pangyo'), ...coverage }))
      .meta({ description: 'The same for each provider.' }),
    byReason: z
      .array(
        z.object({
          reason: field(z.enum(NOWHERE_REASONS), 'Why they would not.', 'no-capacity'),
          jobs: jobs('How many.', 2),
        }),
      )
      .meta({ description: 'The uncovered ones by what keeps them.' }),
  })
  .meta({ description: 'Of everything that the key may see and the query asks for, not of the page.' });

export const readinessPage = page(readiness, 'The jobs, newest first.').extend({
  summary,
  asOf: field(
    utcTime(),
    'When the market was looked at, RFC 3339: the answer is kept for some seconds.',
    '2026-11-22T10:00:00.000Z',
  ),
});
