import { z } from 'zod';
import { OBJECTIVES, WAITING_REASONS } from '../../src/core/job.ts';
import { RULES } from '../../src/core/placement/rules.ts';
import { TIERS } from '../../src/core/placement/types.ts';
import { RULE_LEVELS } from '../../src/core/rules.ts';
import { field, id, money, paging, slug, utcTime } from './fields.ts';

const moneyOf = (description: string) => money.meta({ description });
const hash = (description: string) =>
  field(z.string(), description, '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08');

const place = {
  provider: field(z.string(), 'Name of the provider.', 'pangyo'),
  offer: field(z.string(), 'Name of the offer.', 'h100x8'),
  region: field(z.string(), 'Region of the offer.', 'kr-central'),
  spot: field(z.boolean(), 'Is it capacity that can be taken away?', false),
};

const parts = z
  .object({
    hours: field(z.number(), 'Hours that the job would run there: a slower model takes longer.', 10),
    interruptions: field(z.number(), 'Interruptions to be expected in that time; 0 on demand.', 0),
    lostHours: field(z.number(), 'Hours of work that they would cost, paid for as well.', 0),
    room: field(z.number(), 'Places that could be had / (capacity + 1).', 0.8),
    steady: field(z.number(), '0, ½ or 1: healthy for under a minute, under ten, longer.', 1),
    accepting: field(z.number(), '1 / (1 + allocations that the provider refused or lost lately).', 1),
    onDemand: field(z.number(), '1, or 0 for spot.', 1),
    availability: field(z.number(), 'The four above, weighed 0.6, 0.15, 0.15 and 0.1.', 0.88),
  })
  .meta({ description: 'What the score is made of.' });

export const candidate = z
  .object({
    ...place,
    taken: field(z.boolean(), 'Is it the one that the job got?', true),
    free: field(z.int(), 'Whole offers that could be had at that moment.', 3),
    capacity: field(z.int(), 'How many of it there are.', 4),
    pricePerHour: moneyOf('Of all nodes per hour, in the accounting currency.'),
    listPricePerHour: moneyOf('Of one whole offer per hour, in its own currency.'),
    estimatedCost: moneyOf('What the whole job would cost there, as far as can be said.'),
    tier: field(
      z.enum(TIERS),
      'A move’s target comes before others, what the job avoids after them.',
      'normal',
    ),
    score: field(
      z.number(),
      'What the objective minimizes: the cost, 1 − availability, or cost / availability.',
      48_000,
    ),
    parts,
  })
  .meta({ id: 'Candidate', description: 'One way to run the job, and what it would have meant.' });

export const removal = z
  .object({
    rule: field(z.enum(RULES), 'The first rule that removed them.', 'countries'),
    title: field(
      z.string(),
      'The rule in words; in Korean where `Accept-Language` asks for it.',
      'Its country is not allowed.',
    ),
    offers: field(z.int(), 'How many offers.', 12),
    examples: z
      .array(
        z.object({
          provider: field(z.string(), 'Name of the provider.', 'tokyo'),
          offer: field(z.string(), 'Name of the offer.', 'h100x8'),
          detail: field(
            z.string(),
            'What was wrong with it, and whose rule it is.',
            'is in JP (a rule of project kogpt)',
          ),
        }),
      )
      .meta({ description: 'Up to three.' }),
  })
  .meta({ id: 'Removal', description: 'Offers that a rule removed.' });

const outcome = z
  .union([
    z.object({
      kind: z.literal('placed').meta({ description: 'It got a place.', examples: ['placed'] }),
      ...place,
      nodes: field(z.int(), 'Machines.', 1),
      pricePerHour: moneyOf('Of all nodes per hour, in the accounting currency.'),
      estimatedCost: moneyOf('What the whole job would cost there, as far as can be said.'),
    }),
    z.object({
      kind: z.literal('waiting').meta({ description: 'It goes on waiting.', examples: ['waiting'] }),
      reason: field(z.enum(WAITING_REASONS), 'Why.', 'no-capacity'),
      detail: field(z.string(), 'For people, with what would have to change.', 'needs 8 free H100 …'),
    }),
  ])
  .meta({ description: 'What was decided.' });

export const decision = z
  .object({
    id: field(z.string(), 'Names the decision.', 'dec-01jd3m8z'),
    at: field(utcTime(), 'When, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    allocationId: field(
      z.string().nullable(),
      'What was made of it; null: the job went on waiting.',
      'alc-01jd3m9k',
    ),
    inputId: field(
      z.string().nullable(),
      'What it was decided from, kept to be decided again; null: from before that was kept.',
      'inp-01jd3m8y',
    ),
    objective: field(z.enum(OBJECTIVES), 'What was looked for first.', 'cheapest'),
    assumptions: z
      .object({
        runtimeSeconds: field(z.number(), 'How long the job is taken to run on its reference model.', 36_000),
        runtimeFrom: field(
          z.enum(['expectedRuntimeSeconds', 'maxRuntimeSeconds', 'default']),
          'Who said so.',
          'expectedRuntimeSeconds',
        ),
        referenceModel: field(
          z.string().nullable(),
          'GPU model that the runtime is of; null: any, and all count as equally fast.',
          'H100',
        ),
        spotInterruptionsPerHour: field(z.number(), 'How often spot capacity is taken away.', 0.23),
        interruptionSeconds: field(
          z.number(),
          'What one interruption costs in work done again, seconds.',
          420,
        ),
      })
      .nullable()
      .meta({ description: 'What the estimates were made with; null: nothing was estimated.' }),
    considered: z
      .object({
        providers: field(z.int(), 'Providers.', 12),
        offers: field(z.int(), 'Offers.', 2_400),
        matching: field(z.int(), 'Of them, those that no rule removed, taken ones included.', 31),
      })
      .meta({ description: 'How much was looked at.' }),
    outcome,
    candidates: z.array(candidate).meta({ description: 'The best, best first, and the one that was taken.' }),
    removed: z
      .array(removal)
      .meta({ description: 'Each offer under the first rule, in the order of rules, that removed it.' }),
    notes: z.array(z.string()).meta({ description: 'What else a person should know.', examples: [[]] }),
  })
  .catchall(z.unknown())
  .meta({ id: 'Decision', description: 'A placement explained.' });

export const decisionParams = z.object({
  id: field(id(), 'Id of the job.', 'job-01jd3m8r'),
  decision: field(id(), 'Id of the decision.', 'dec-01jd3m8z'),
});

export const replay = z
  .object({
    decisionId: field(z.string(), 'The decision.', 'dec-01jd3m8z'),
    inputId: field(z.string(), 'What it was decided from.', 'inp-01jd3m8y'),
    same: field(z.boolean(), 'Did the same come out, byte for byte?', true),
    engine: field(z.string(), 'Which engine decided.', 'placement-4'),
    replayedBy: field(
      z.string(),
      'Which engine did it again; another one may decide otherwise.',
      'placement-4',
    ),
    storedHash: hash('SHA-256 of the canonical JSON of what is stored.'),
    replayedHash: hash('SHA-256 of the canonical JSON of what came out.'),
    replayed: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'What came out, whole.', examples: [null] }),
  })
  .meta({ id: 'Replay', description: 'A decision made again from what is stored of its inputs.' });

export const breach = z
  .object({
    rule: field(z.enum(RULES), 'The rule.', 'countries'),
    level: field(z.enum(RULE_LEVELS), 'Whose rule it is.', 'project'),
    of: field(z.string(), 'Name of the organization or the project.', 'kogpt'),
    detail: field(z.string(), 'What is wrong.', 'it is in JP'),
  })
  .meta({ id: 'Breach', description: 'A rule that a running job’s place does not keep.' });

export const compliance = z
  .object({
    jobId: field(z.string(), 'The job.', 'job-01jd3m8r'),
    name: field(z.string(), 'Its name.', 'koelectra-pretrain'),
    organization: field(z.string(), 'Whose it is.', 'nia'),
    project: field(z.string(), 'Of which project.', 'kogpt'),
    provider: field(z.string(), 'Where it is.', 'tokyo'),
    offer: field(z.string(), 'On what.', 'h100x8'),
    since: field(utcTime(), 'Since when, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    breaches: z.array(breach).meta({ description: 'What it breaks as things are now.' }),
  })
  .meta({ id: 'NonCompliant', description: 'A running job whose place breaks rules by now.' });

export const complianceQuery = z.strictObject({
  project: field(slug().optional(), 'Only of this project.', 'kogpt'),
  organization: field(slug().optional(), 'Only of this organization.', 'nia'),
  ...paging,
});
