import { z } from 'zod';
import {
  ABORT_AFTER_SECONDS,
  ABORT_AFTER_SECONDS_MAX,
  CANARIES_MAX,
  DRILL_ENDS,
  DRILL_MODES,
  DRILL_STATES,
  VALID_DAYS,
  VALID_DAYS_MAX,
  type DrillSpec,
} from '../../src/core/drill/drill.ts';
import { CONTINUITY_MODES, JOB_STATES } from '../../src/core/job.ts';
import { field, id, money, safeText, slug, utcTime } from './fields.ts';

const kind = <Kind extends string>(name: Kind) => field(z.literal(name), 'What happens.', name);
const provider = () => field(slug(), 'Name of the provider that is struck.', 'pangyo');
const SCENARIOS = ['ProviderOutage', 'SiteDisaster', 'Degradation'] as const;
const mapping = Object.fromEntries(
  ['provider-outage', 'site-disaster', 'degradation'].map((name, index) => [
    name,
    `#/components/schemas/${SCENARIOS[index]}`,
  ]),
);

export const scenario = z
  .discriminatedUnion('kind', [
    z
      .strictObject({ kind: kind('provider-outage'), provider: provider() })
      .meta({ id: SCENARIOS[0], description: 'One provider is not heard any more.' }),
    z
      .strictObject({
        kind: kind('site-disaster'),
        latitude: field(z.number().min(-90).max(90), 'Of its centre, degrees (WGS 84).', 37.4),
        longitude: field(z.number().min(-180).max(180), 'Of its centre, degrees (WGS 84).', 127.1),
        radiusKm: field(
          z.number().min(0).max(20_000),
          'Every provider whose site is so near is struck, kilometres.',
          30,
        ),
      })
      .meta({ id: SCENARIOS[1], description: 'Everything within a circle is not heard any more.' }),
    z.strictObject({ kind: kind('degradation'), provider: provider() }).meta({
      id: SCENARIOS[2],
      description: 'One provider is heard too rarely to be trusted, and not rarely enough to be given up.',
    }),
  ])
  .meta({ description: 'What is practised.', discriminator: { propertyName: 'kind', mapping } });

const seconds = (description: string, example: number) =>
  field(z.int().min(1).max(86_400).nullable().default(null), `${description}, seconds; null: none.`, example);

const limits = z.strictObject({
  maxJobs: field(
    z.int().min(1).max(1_000_000).nullable().default(null),
    'Jobs that it may touch at most, canaries included; null: no limit.',
    100,
  ),
  maxCost: money
    .nullable()
    .default(null)
    .meta({
      description: 'It is aborted when it costs more; in the accounting currency. Null: no limit.',
      examples: [{ amount: '500000', currency: 'KRW' }],
    }),
  abortAfterSeconds: field(
    z.int().min(30).max(ABORT_AFTER_SECONDS_MAX).default(ABORT_AFTER_SECONDS),
    'It is aborted when it is not over by then; what is cut off is heard again by then, whoever may have died. Seconds.',
    600,
  ),
});

const asked = {
  scenario,
  mode: field(
    z.enum(DRILL_MODES),
    '`tabletop` computes who would go where; `simulation` plays it, with the service’s own flows on a copy of the present world; `parallel` loses small jobs of its own, for real; `full` cuts off what is really there.',
    'parallel',
  ),
  jobs: field(
    z
      .union([z.int().min(1).max(1_000_000), z.array(id()).min(1).max(10_000)])
      .nullable()
      .default(null),
    `\`parallel\`: canaries for each provider, at most ${CANARIES_MAX}; null: 1. Else at most so many of the running jobs, or these by their ids, are cut off each for itself; null: everything.`,
    2,
  ),
  rtoSeconds: seconds('From the fault to running again, at most; else what each job asks for counts', 60),
  rpoSeconds: seconds('Work that may be lost, at most; else what each job asks for counts', 30),
  limits: limits.prefault({}).meta({ description: 'Where it stops by itself.' }),
  validDays: field(
    z.int().min(1).max(VALID_DAYS_MAX).default(VALID_DAYS),
    'How long what it proves counts, days.',
    180,
  ),
  everyDays: field(
    z.int().min(1).max(366).nullable().default(null),
    'Plan another one so many days after its end; null: do not.',
    180,
  ),
  note: field(safeText(1_000).nullable().default(null), 'For people.', 'yearly drill of the Pangyo site'),
};

export const drillRequest = z
  .strictObject({
    ...asked,
    confirm: field(
      z.boolean().default(false),
      '`full` only: let it begin at once instead of waiting for its confirmation.',
      false,
    ),
  })
  .refine(({ mode, jobs }) => mode !== 'parallel' || typeof jobs !== 'number' || jobs <= CANARIES_MAX, {
    path: ['jobs'],
    message: `must be at most ${CANARIES_MAX} for a parallel drill`,
  })
  .meta({ id: 'DrillRequest', description: 'A planned failover.' });

export function toDrillSpec({ confirm: _, ...spec }: z.output<typeof drillRequest>): DrillSpec {
  return spec;
}

export const moment = (description: string, example: string | null = null) =>
  field(utcTime().nullable(), `${description} RFC 3339.`, example);
const number = (description: string, example: number | null) =>
  field(z.number().nullable(), description, example);

const gpu = z
  .object({
    model: field(z.string(), 'Canonical model.', 'H100-80GB'),
    count: field(z.int(), 'Devices.', 1),
  })
  .nullable()
  .meta({ description: 'Null: none.' });

export const drillPlan = z
  .object({
    at: field(
      utcTime(),
      'When it was made; the world goes on changing. RFC 3339.',
      '2026-11-22T10:00:00.000Z',
    ),
    canaries: z
      .array(
        z.object({
          provider: field(slug(), 'Where they run first.', 'pangyo'),
          count: field(z.int(), 'How many.', 1),
          gpu,
        }),
      )
      .meta({ description: 'Small jobs of its own.' }),
    jobsInScope: field(z.int(), 'Running jobs in scope.', 0),
    jobs: z
      .array(
        z.object({
          jobId: field(id(), 'A running job in scope.', 'job-01jd3m8r'),
          from: field(slug(), 'Where it runs.', 'pangyo'),
          mode: field(z.enum(CONTINUITY_MODES), 'Its continuity mode.', 'restart'),
          rtoSeconds: number('What it asks for, seconds; null: nothing.', 300),
          rpoSeconds: number('What it asks for, seconds; null: nothing.', 600),
          to: field(slug().nullable(), 'Where it would go; null: nowhere, or not known.', 'gwangju'),
          expectedSeconds: number('How long that would take, seconds; null: not known.', 9),
          pricePerHour: money.nullable().meta({ description: 'What it would cost there; null: not known.' }),
          why: field(z.string().nullable(), 'What else is to be known.', null),
        }),
      )
      .meta({ description: 'What it would find running; the first 1000.' }),
  })
  .meta({ description: 'What it would do.' });

export const person = z
  .object({
    id: field(z.string(), 'Id of the key.', 'key-01jd3m7a'),
    role: field(z.string(), 'Its role then.', 'operator'),
  })
  .meta({ description: 'Who.' });

export const drill = z
  .object({
    id: field(id(), 'Names the drill.', 'drl-01jd3m8r0000000000000000aa'),
    state: field(z.enum(DRILL_STATES), 'Where it is.', 'running'),
    ...asked,
    reason: field(z.string().nullable(), 'Why it ended as it did, or will.', null),
    endsAs: field(z.enum(DRILL_ENDS).nullable(), 'What it ends as, once that is decided.', null),
    providers: field(z.array(slug()), 'Those that the scenario strikes.', ['pangyo']),
    plan: drillPlan.nullable().meta({ description: 'Null: in lists, and of one that is due later.' }),
    progress: z
      .array(
        z.object({
          jobId: field(id(), 'A job that it is about.', 'job-01jd3m8r'),
          canary: field(z.boolean(), "Is it one of the drill's own?", true),
          from: field(slug(), 'Where it is to be lost.', 'pangyo'),
          state: field(z.enum(JOB_STATES), 'State of the job.', 'running'),
          cutAt: moment('When it was cut off for itself.', '2026-11-22T10:00:12.000Z'),
          at: field(slug().nullable(), 'Where it is, or was last.', 'gwangju'),
        }),
      )
      .meta({ description: 'What it is about, once it began.' }),
    createdBy: person,
    createdAt: field(utcTime(), 'RFC 3339.', '2026-11-22T10:00:00.000Z'),
    confirmedBy: person.nullable().meta({ description: '`full` only; null: nobody yet.' }),
    confirmedAt: moment('When.'),
    previousId: field(id().nullable(), 'The one of the same series before it.', null),
    dueAt: moment('When the next of a series should be held.'),
    startedAt: moment('When it began.', '2026-11-22T10:00:00.500Z'),
    restoredAt: moment('From when on nothing was cut off any more.'),
    finishedAt: moment('When nothing of it was left.'),
  })
  .meta({ id: 'Drill', description: 'A planned failover.' });

export const drillParams = z.strictObject({
  id: field(id(), 'Id of the drill.', 'drl-01jd3m8r0000000000000000aa'),
});

export const verificationList = z
  .object({
    verified: field(z.boolean(), 'Does work of this provider count as proved to recover elsewhere?', true),
    why: field(z.string().nullable(), 'Why not; null: it does.', null),
    items: z
      .array(
        z.object({
          mode: field(z.enum(CONTINUITY_MODES), 'Continuity mode of what moved.', 'restart'),
          from: field(slug(), 'Where it was lost.', 'pangyo'),
          to: field(slug(), 'Where it went on.', 'gwangju'),
          gpu: field(
            z.string().nullable(),
            'Canonical model that it went on with; null: no GPU.',
            'H100-80GB',
          ),
          drill: field(id(), 'The drill that showed it.', 'drl-01jd3m8r0000000000000000aa'),
          rtoSeconds: field(z.number(), 'From the fault to running again, seconds.', 8.7),
          rpoSeconds: number('Work that was lost, seconds; null: a service has none.', 4.2),
          verifiedAt: field(utcTime(), 'RFC 3339.', '2026-11-22T10:02:00.000Z'),
          validUntil: field(utcTime(), 'RFC 3339.', '2027-05-21T10:02:00.000Z'),
          valid: field(z.boolean(), 'Does it still hold?', true),
          why: field(z.string().nullable(), 'Why not; null: it does.', null),
        }),
      )
      .meta({ description: 'What drills showed of it, from it or to it; newest first, at most 500.' }),
  })
  .meta({ id: 'Verifications', description: 'What was proved of a provider, and whether it still holds.' });

export const drillQuery = {
  state: field(z.enum(DRILL_STATES).optional(), 'Only in this state.', 'passed'),
};
