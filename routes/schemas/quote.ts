import { z } from 'zod';
import { JOB_KINDS, WAITING_REASONS } from '../../src/core/job.ts';
import { REJECTIONS_SHOWN } from '../../src/core/placement/rejections.ts';
import { RULES } from '../../src/core/placement/rules.ts';
import { CANDIDATES_QUOTED } from '../../src/core/placement/quote.ts';
import { QUOTE_LIFE_SECONDS } from '../../src/core/quote.ts';
import { field, id, money, utcTime } from './fields.ts';
import { placement, resources } from './job-parts.ts';

const moneyOf = (description: string) => money.meta({ description });
const share = (description: string, example: number) => field(z.number(), `${description}, 0 to 1.`, example);
const ruleName = () => z.enum(RULES);

const scoreParts = z
  .object({
    hours: field(z.number(), 'How long the job would run there: a slower model takes longer.', 10),
    interruptions: field(z.number(), 'How often it would lose its place in that time; 0 on demand.', 0),
    lostHours: field(z.number(), 'Hours of work that this would cost.', 0),
    room: share('How much of it is free', 0.8),
    steady: share('For how long its provider has been well', 1),
    accepting: share('How rarely its provider refused or lost work lately', 1),
    onDemand: share('1, or 0 for spot', 1),
    availability: share('The four above, weighed', 0.88),
  })
  .meta({ id: 'ScoreParts', description: 'What a score is made of.' });

export const quotedCandidate = z
  .object({
    provider: field(z.string(), 'Name of the provider.', 'pangyo'),
    region: field(z.string(), 'Region of the offer.', 'kr-central'),
    offer: field(z.string(), 'Name of the offer.', 'h100x8'),
    spot: field(z.boolean(), 'Is it capacity that can be taken away?', false),
    pricePerHour: moneyOf('Of all nodes per hour, in the accounting currency.'),
    listPricePerHour: moneyOf("Of one whole offer per hour, in the offer's own currency."),
    estimatedCost: moneyOf('What the whole job would cost there, as far as can be said.'),
    score: field(z.number(), 'What the objective minimizes: smaller is better.', 395_152.5),
    parts: scoreParts,
    free: field(z.int(), 'Whole offers that could be had.', 4),
    capacity: field(z.int(), 'Whole offers that there are.', 4),
    held: field(
      z.boolean(),
      'Does a job with this quote get it at this price until the quote expires? Not where it costs more per hour than what is quoted: such a job is not placed there.',
      true,
    ),
  })
  .meta({ id: 'QuotedCandidate', description: 'A place that the job could have now.' });

const rejection = z
  .object({
    provider: field(z.string(), 'Name of the provider.', 'gwangju'),
    offer: field(z.string().optional(), 'Name of the offer, where one is meant; absent: several.', 'a100x8'),
    rule: field(ruleName(), 'What it breaks; where it breaks several, the first that is asked.', 'capacity'),
    detail: field(z.string(), 'The same for people.', 'all 4 are taken'),
  })
  .meta({ id: 'Rejection', description: 'Why something would not do, or cannot be had now.' });

const furtherRejections = z.object({
  rule: field(ruleName(), 'What they break.', 'gpu-model'),
  providers: field(z.int(), 'How many providers.', 12),
  offers: field(z.int(), 'How many offers of theirs.', 3_410),
});

/** In the shape of a job's body, so that the two can be laid side by side. */
const quotedAsk = z
  .object({
    organization: field(z.string(), 'Name of the organization whose project it is.', 'acme'),
    project: field(z.string(), 'Name of the project.', 'kogpt'),
    kind: field(z.enum(JOB_KINDS), 'As asked.', 'training'),
    resources: resources.meta({ description: 'What it needs, on each node.' }),
    placement: placement.meta({ description: 'Where it may run, and what to prefer.' }),
    continuity: z
      .object({
        minSeparationKm: field(z.number().nullable(), 'How far apart two sites must be, km.', null),
      })
      .meta({ description: 'What of it placement depends on.' }),
    checkpoint: z
      .object({ intervalSeconds: field(z.int(), 'How often it is saved, seconds.', 600) })
      .meta({ description: 'What of it placement depends on.' }),
    expectedRuntimeSeconds: field(z.int().nullable(), 'How long it will probably run, seconds.', 36_000),
    limits: z
      .object({
        maxRuntimeSeconds: field(z.int().nullable(), 'How long it may run, seconds.', 86_400),
      })
      .meta({ description: 'What of it placement depends on.' }),
  })
  .meta({
    id: 'QuotedAsk',
    description:
      'What the quote is for, defaults filled in: all of a job that its placement and price depend on. A job that carries the quote must ask the same; everything else of it is free.',
  });

const assumptions = z
  .object({
    runtimeSeconds: field(z.int(), 'How long the job is taken to run, seconds.', 36_000),
    runtimeFrom: field(
      z.enum(['expectedRuntimeSeconds', 'maxRuntimeSeconds', 'default']),
      'Who said so.',
      'expectedRuntimeSeconds',
    ),
    referenceModel: field(z.string().nullable(), 'On which model; null: all count as equally fast.', 'H100'),
    spotInterruptionsPerHour: field(z.number(), 'How often spot capacity is taken away.', 0.23),
    interruptionSeconds: field(z.number(), 'What that costs in work done again, seconds.', 420),
  })
  .meta({ description: 'What the estimates were made with.' });

const members = {
  id: field(z.string(), 'Names the quote; a job’s `quoteId`.', 'quo-01jd3m8r'),
  createdAt: field(utcTime(), 'When the market was looked at, RFC 3339.', '2026-11-22T10:00:00.000Z'),
  expiresAt: field(
    utcTime(),
    `From when no job can be submitted with it any more, RFC 3339: ${QUOTE_LIFE_SECONDS / 60} minutes later.`,
    '2026-11-22T10:15:00.000Z',
  ),
  ask: quotedAsk,
  pricePerHour: money.nullable().meta({
    description:
      'What is quoted: the price per hour of the first candidate, of all nodes, in the accounting currency. Null: nothing can be had, so nothing is quoted.',
  }),
  candidates: z
    .array(quotedCandidate)
    .meta({ description: `Where it could be placed now, best first; at most ${CANDIDATES_QUOTED}.` }),
  rejected: z.array(rejection).meta({
    description: `Everything else, a line for each provider and rule; what is nearest to being had comes first. At most ${REJECTIONS_SHOWN} lines.`,
  }),
  furtherRejected: z
    .array(furtherRejections)
    .meta({ description: 'What has no line of its own, by rule; mostly empty.' }),
  waiting: z
    .object({
      reason: field(z.enum(WAITING_REASONS), 'Why the job would wait.', 'no-capacity'),
      detail: field(z.string(), 'What is the matter and what would have to change.', 'needs 8 free H100 …'),
    })
    .nullable()
    .meta({ description: 'Only where there are no candidates.' }),
  considered: z
    .object({
      providers: field(z.int(), 'Providers that there are.', 3),
      offers: field(z.int(), 'Offers that there are.', 140),
      matching: field(z.int(), 'Of them, those that fit, taken ones included.', 2),
    })
    .meta({ description: 'How much was looked at.' }),
  assumptions,
};

export const quote = z
  .object(members)
  .meta({ id: 'Quote', description: 'What a job would get and cost now, and a price that is held for it.' });

export const quoteRead = z
  .object({ ...members, expired: field(z.boolean(), 'Is it over?', false) })
  .meta({ id: 'QuoteRead', description: 'A quote as it was answered, and whether it is over.' });

export const quoteParams = z.object({ id: field(id(), 'Id of the quote.', 'quo-01jd3m8r') });
