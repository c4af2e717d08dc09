import { z } from 'zod';
import {
  ALLOCATION_ROLES,
  ALLOCATION_STATES,
  END_REASONS,
  PURPOSES,
  SPARE_ROLES,
} from '../../src/core/allocation.ts';
import { JOB_KINDS, JOB_REASONS, JOB_STATES, WAITING_REASONS } from '../../src/core/job.ts';
import { OUTCOMES } from '../../src/core/order.ts';
import { field, money, queryBoolean, paging, slug, utcTime, id } from './fields.ts';
import { jobApproval } from './job-approval.ts';
import { checkpoint, continuity, labels, limits, placement, resources, run, serve } from './job-parts.ts';

const moneyOf = (description: string) => money.meta({ description });
const timeOf = (description: string) =>
  field(utcTime().nullable(), `${description} RFC 3339; null: not yet.`, '2026-11-22T10:00:00.000Z');

export const jobPlacement = z
  .object({
    provider: field(z.string(), 'Name of the provider.', 'pangyo'),
    region: field(z.string(), 'Region of the offer.', 'kr-central'),
    offer: field(z.string(), 'Name of the offer.', 'h100x8'),
    spot: field(z.boolean(), 'Is it capacity that can be taken away?', false),
    pricePerHour: moneyOf('Locked price of the whole offer per hour, in the accounting currency.'),
    since: field(utcTime(), 'When it was placed there, RFC 3339.', '2026-11-22T10:00:00.000Z'),
  })
  .meta({ id: 'Placement', description: 'Where a job is.' });

/** What was asked for, as it is kept: defaults filled in, never changed after submission. */
export const jobSpec = z
  .object({
    name: field(z.string(), 'As submitted.', 'koelectra-pretrain'),
    project: field(z.string(), 'Name of its project.', 'kogpt'),
    kind: field(z.enum(JOB_KINDS), '`training` ends by itself; `inference` is a service.', 'training'),
    run: run.meta({ description: 'What is run.' }),
    resources: resources.meta({ description: 'What it needs, on each node.' }),
    placement: placement.meta({ description: 'Where it may run, and what to prefer.' }),
    continuity: continuity.meta({ description: 'What to do when its provider is lost.' }),
    checkpoint: checkpoint.meta({ description: 'How its progress is saved.' }),
    limits: limits.meta({ description: 'What ends it.' }),
    expectedRuntimeSeconds: field(z.int().nullable(), 'How long it will probably run, seconds.', 36_000),
    priority: field(z.int(), '0 to 100; higher is placed first.', 50),
    labels,
    quoteId: field(z.string().nullable(), 'The quote that it was submitted with; null: none.', null),
    serve: serve.nullable().meta({ description: 'Inference only: how the service is reached.' }),
    graceSeconds: field(z.int(), 'Between SIGTERM and SIGKILL, seconds.', 10),
  })
  .meta({
    id: 'JobSpec',
    description:
      'What was asked for, defaults filled in; may be submitted again as it is (with a quote, while that lives).',
  });

export const job = z
  .object({
    ...jobSpec.omit({ placement: true }).shape,
    id: field(z.string(), 'Names the job for ever.', 'job-01jd3m8r'),
    organization: field(z.string(), 'Name of the organization whose project it is.', 'acme'),
    // At the top level `placement` is where the job is, as the contract has it; what was asked for is in `spec`.
    spec: jobSpec,
    state: field(z.enum(JOB_STATES), 'Where it is in its life.', 'running'),
    reason: field(z.enum(JOB_REASONS), 'Why it is in that state.', 'started'),
    reasonDetail: field(z.string().nullable(), 'The same for people, where there is more to say.', null),
    waiting: z
      .object({
        reason: field(z.enum(WAITING_REASONS), 'Why it is not running yet.', 'no-capacity'),
        detail: field(
          z.string(),
          'What is the matter and what would have to change.',
          'All 4 offers that fit are taken.',
        ),
        title: field(
          z.string(),
          'The reason in words; in Korean where `Accept-Language` asks for it.',
          'Everything that matches is in use.',
        ),
      })
      .nullable()
      .meta({ description: 'Only while it is queued.' }),
    approval: jobApproval.nullable().meta({
      description: 'Of a job that may cost more than a budget lets pass; null: nobody has to.',
    }),
    placement: jobPlacement
      .nullable()
      .meta({ description: 'Where it is or, once it has ended, where it was; null while it is queued.' }),
    endpoints: z
      .array(
        z.object({
          url: field(z.string(), 'Where the service answers.', 'http://10.0.0.4:31844'),
          serving: field(
            z.boolean().nullable(),
            'Has its health path answered 2xx? Null where it has none.',
            true,
          ),
        }),
      )
      .meta({ description: 'Inference only: where it can be reached now.' }),
    home: field(
      z.string().nullable(),
      'Provider from which a disaster took it, while it is elsewhere; null: it was taken from none, or is back.',
      null,
    ),
    protection: z
      .object({
        wanted: field(z.int(), 'How many places are to stand by for it.', 1),
        spares: z
          .array(
            jobPlacement.extend({
              allocation: field(z.string(), 'The allocation that stands by.', 'alc-01jd3m9k'),
              role: field(
                z.enum(SPARE_ROLES),
                '`standby`: held warm, not started; `replica`: it serves, too.',
                'standby',
              ),
              ready: field(z.boolean(), 'Could the job go on there at once?', true),
              endpoint: field(z.string().nullable(), 'Where a replica answers.', null),
            }),
          )
          .meta({ description: 'What stands by.' }),
        waiting: z
          .object({
            reason: field(z.enum(WAITING_REASONS), 'Why fewer stand by than are wanted.', 'no-match'),
            detail: field(
              z.string(),
              'What would have to change.',
              'have a drill prove that work of a recovers at b',
            ),
          })
          .nullable()
          .meta({ description: 'Null: all do, or it is being seen to.' }),
      })
      .nullable()
      .meta({ description: 'What stands by for it, with `continuity.mode` standby or active; else null.' }),
    attempts: field(z.int(), 'How many times it was placed.', 1),
    exitCode: field(
      z.int().nullable(),
      'Of its process; 128 + n for a signal; null while there is none.',
      null,
    ),
    cost: z
      .object({
        reserved: moneyOf('Held for what it may still cost.'),
        charged: moneyOf('What it has cost so far, all attempts together.'),
        standby: moneyOf('Of that, what standing by for it has cost.'),
      })
      .meta({ description: 'Money, in the accounting currency.' }),
    createdAt: field(utcTime(), 'When it was submitted, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    startedAt: timeOf('When it first ran.'),
    finishedAt: timeOf('When it ended.'),
  })
  .meta({ id: 'Job', description: 'A job: its spec, and what became of it.' });

export const allocation = z
  .object({
    id: field(z.string(), 'Names the attempt; also its name at the provider.', 'alc-01jd3m9k'),
    attempt: field(z.int(), '1, 2, …; of a standby: that of the run that it stands by for.', 1),
    role: field(z.enum(ALLOCATION_ROLES), 'What it is to the job.', 'run'),
    purpose: field(z.enum(PURPOSES), 'What its cost is for.', 'run'),
    tookOver: field(z.string().nullable(), 'The standby whose place it took over; null: none.', null),
    provider: field(z.string(), 'Name of the provider.', 'pangyo'),
    offer: field(z.string(), 'Name of the offer.', 'h100x8'),
    region: field(z.string(), 'Region of the offer.', 'kr-central'),
    spot: field(z.boolean(), 'Was it capacity that can be taken away?', false),
    state: field(z.enum(ALLOCATION_STATES), 'Where the attempt is; `releasing` still bills.', 'released'),
    pricePerHour: moneyOf('Locked price of the whole offer per hour, in the accounting currency.'),
    listPricePerHour: moneyOf("The same in the offer's own currency."),
    rate: field(z.string(), "Price of one unit of the offer's currency that it was locked at.", '1386.5'),
    placedAt: field(utcTime(), 'When it was decided, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    startedAt: timeOf('When it was seen to run; billing starts here.'),
    releasingAt: timeOf('When it was told to go.'),
    releasedAt: timeOf('When it was seen to have ended; billing stops here.'),
    endReason: field(z.enum(END_REASONS).nullable(), 'Why it ended, or was told to.', 'provider-down'),
    endDetail: field(z.string().nullable(), 'The same for people, where there is more to say.', null),
    outcome: field(z.enum(OUTCOMES).nullable(), "How it ended, as the provider's side saw it.", 'exited'),
    exitCode: field(z.int().nullable(), 'Of its process; null where unknown.', 0),
    meteredSeconds: field(z.int(), 'Whole seconds that are charged so far.', 3600),
    cost: moneyOf('Charged so far, in the accounting currency.'),
    restoredCheckpoint: field(z.string().nullable(), 'Id of the checkpoint that it started from.', null),
  })
  .meta({ id: 'Allocation', description: 'One attempt of a job at one provider.' });

export const jobEvent = z
  .object({
    seq: field(z.int(), 'Grows; the id of the server-sent event.', 4711),
    at: field(utcTime(), 'When, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    type: field(
      z.string(),
      'What changed: `job.queued`, `job.running`, `allocation.released`, …',
      'job.running',
    ),
    reason: field(z.string(), 'Why.', 'started'),
    detail: field(z.string().nullable(), 'The same for people, where there is more to say.', null),
    allocationId: field(z.string().nullable(), 'The attempt that it is about.', 'alc-01jd3m9k'),
    data: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'What else belongs to this type of event.', examples: [null] }),
  })
  .meta({ id: 'JobEvent', description: 'Something that happened to a job.' });

const oneOrMany = <Item extends z.ZodType>(item: Item) =>
  z.union([item, z.array(item).max(20)]).transform((given) => (Array.isArray(given) ? given : [given]));

export const jobQuery = z.strictObject({
  project: field(slug().optional(), 'Only of this project.', 'kogpt'),
  state: field(
    oneOrMany(z.enum(JOB_STATES)).optional(),
    'Only in this state; may be given several times.',
    'running',
  ),
  kind: field(z.enum(JOB_KINDS).optional(), 'Only of this kind.', 'training'),
  waiting: field(z.enum(WAITING_REASONS).optional(), 'Only what waits for this.', 'approval'),
  provider: field(slug().optional(), 'Only those that are there now, or were there last.', 'pangyo'),
  ...paging,
});

export const moveRequest = z
  .strictObject({
    reason: field(
      z
        .string()
        .min(1)
        .max(500)
        .refine(
          (text) => !/[\p{Cc}]/u.test(text) && text.isWellFormed(),
          'must be one line of valid Unicode',
        ),
      'Why, for the record.',
      'rack 4 is serviced tonight',
    ),
    to: field(
      slug().nullish(),
      'Provider to prefer; absent: wherever it fits, but not where it is.',
      'gwangju',
    ),
  })
  .meta({ id: 'MoveRequest', description: 'A move by an operator.' });

export const jobParams = z.object({ id: field(id(), 'Id of the job.', 'job-01jd3m8r') });
export const logQuery = z.strictObject({
  follow: field(
    queryBoolean().optional(),
    '`true`: stays open and goes on until the job has ended.',
    'false',
  ),
});
