import { z } from 'zod';
import { DRILL_ENDS, DRILL_MODES } from '../../src/core/drill/drill.ts';
import { FINDINGS, NOT_EXERCISED } from '../../src/core/drill/findings.ts';
import { JOB_RESULTS } from '../../src/core/drill/judge.ts';
import { CONTINUITY_MODES, JOB_KINDS } from '../../src/core/job.ts';
import { drillPlan, moment, person, scenario } from './drill.ts';
import { field, id, money, slug, utcTime, vendorName } from './fields.ts';

const seconds = (description: string, example: number | null = null) =>
  field(z.number().nullable(), `${description}, seconds; null: not known, or none.`, example);
const text = (description: string, example: unknown) => field(z.string(), description, example);
const HASH = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08';
const hex = (description: string) => text(description, HASH);
const met = () => field(z.boolean().nullable(), 'Null: there is no target.', true);

const percentiles = (description: string) =>
  z
    .object({
      p50: field(z.number(), 'Half of the jobs took no longer.', 8.4),
      p90: field(z.number(), 'Nine in ten took no longer.', 9.1),
      p99: field(z.number(), 'Ninety-nine in a hundred took no longer.', 9.6),
      max: field(z.number(), 'The slowest.', 9.6),
    })
    .nullable()
    .meta({ description: `${description}, seconds, by nearest rank; null: no job.` });

const times = z
  .object({
    faultAt: moment(
      'When its place was last heard; of a single attempt, when it was cut off.',
      '2026-11-22T10:00:12.000Z',
    ),
    suspectedAt: moment('When its provider was called degraded.'),
    declaredAt: moment('When its place was given up.', '2026-11-22T10:00:17.100Z'),
    fencedAt: moment('From when on the old place certainly ran nothing.'),
    decidedAt: moment('When the next place was decided.'),
    startedAt: moment('When it ran again.'),
    servingAt: moment('Of a service: when it answered again.'),
  })
  .meta({ description: "By the service's clock." });

const data = z
  .object({
    checkpointId: field(id().nullable(), 'What it started from; null: from nothing.', 'chk-01jd3m9k'),
    sha256: field(z.string().nullable(), 'Hex, as it was recorded when it was saved.', HASH),
    sha256Again: field(
      z.string().nullable(),
      'Of the stored bytes, read again; null: they could not be read.',
      HASH,
    ),
    counterAtFault: field(
      z.int().nullable(),
      'Seconds of work done before the cut, as far as was heard.',
      17,
    ),
    savedCounter: field(z.int().nullable(), 'In the stored bytes.', 14),
    restoredCounter: field(z.int().nullable(), 'What the canary said that it goes on from.', 14),
    intact: field(z.boolean(), 'Is what was restored what had been saved, to the bit?', true),
  })
  .nullable()
  .meta({ description: 'The data of a canary; null: none was looked at.' });

const obtained = z.object({
  allocationId: field(id(), 'The attempt.', 'alc-01jd3m9k'),
  provider: field(slug(), 'Where.', 'gwangju'),
  offer: field(vendorName(), 'What.', 'h100x1'),
  gpuModel: field(z.string().nullable(), 'Canonical model; null: no GPU.', 'H100-80GB'),
  gpuCount: field(z.int(), 'Devices.', 1),
  secondsToReady: seconds('From the decision to running', 0.6),
});

const objective = (what: string, more: object = {}) =>
  z
    .object({ targetSeconds: seconds('What was asked for', 60), met: met(), ...more })
    .meta({ description: what });

const job = z
  .object({
    jobId: field(id(), 'The job.', 'job-01jd3m8r'),
    canary: field(z.boolean(), "Is it one of the drill's own?", true),
    kind: field(z.enum(JOB_KINDS), 'What it is.', 'training'),
    mode: field(z.enum(CONTINUITY_MODES), 'Its continuity mode.', 'restart'),
    result: field(z.enum(JOB_RESULTS), 'What became of it.', 'recovered'),
    from: field(slug(), 'Where it was lost.', 'pangyo'),
    to: z
      .object({
        provider: field(slug(), 'Name of the provider.', 'gwangju'),
        offer: field(vendorName(), 'Name of the offer.', 'h100x1'),
        region: field(vendorName(), 'Its region.', 'kr-south'),
      })
      .nullable()
      .meta({ description: 'Where it went on; null: nowhere.' }),
    attempts: field(z.int(), 'That it took.', 1),
    times,
    rto: objective('From being lost to running again.', {
      fromFaultSeconds: seconds('From the fault', 8.7),
      fromDeclarationSeconds: seconds('From the declaration', 3.6),
    }),
    rpo: objective('Work that was lost.', { achievedSeconds: seconds('What was lost', 4) }),
    data,
    obtained: z.array(obtained).meta({ description: 'Capacity that it was really given.' }),
    cost: money,
  })
  .meta({ id: 'DrilledJob', description: 'One job of a drill.' });

const site = z
  .object({
    city: text('City.', 'Pangyo'),
    country: text('ISO 3166-1 alpha-2.', 'KR'),
    region: text("The vendor's region.", 'kr-central'),
    latitude: field(z.number(), 'Degrees, WGS 84.', 37.4),
    longitude: field(z.number(), 'Degrees, WGS 84.', 127.1),
  })
  .meta({ description: 'Where it stands.' });

const scope = z
  .object({
    providers: z
      .array(
        z.object({
          name: field(slug(), 'Its name.', 'pangyo'),
          vendor: text('Whose it is.', 'nhn'),
          site,
          brokerKind: text('How it is worked with.', 'agent'),
          agentVersion: field(z.string().nullable(), 'Version of its agent.', '0.1.0'),
          struck: field(z.boolean(), 'Was it struck, or did it only take over?', true),
        }),
      )
      .meta({ description: 'All that took part.' }),
    jobs: field(z.int(), "Tenants' jobs.", 0),
    canaries: field(z.int(), "The drill's own jobs.", 1),
    limits: z
      .object({
        maxJobs: field(z.int().nullable(), 'Jobs at most.', null),
        maxCost: money.nullable().meta({ description: 'Cost at most; null: no limit.' }),
        abortAfterSeconds: field(z.int(), 'Seconds at most.', 600),
      })
      .meta({ description: 'Where it would have stopped by itself.' }),
  })
  .meta({ description: 'What it was about.' });

const fault = z.object({
  provider: field(slug(), 'Whose.', 'pangyo'),
  allocationId: field(id().nullable(), 'Of one attempt alone; null: the whole provider.', 'alc-01jd3m9k'),
  fault: field(z.literal('network-cut'), 'What was done to it.', 'network-cut'),
  fromAt: field(utcTime(), 'RFC 3339.', '2026-11-22T10:00:12.000Z'),
  untilAt: field(utcTime(), 'RFC 3339.', '2026-11-22T10:00:30.000Z'),
  declaredAt: moment('When the attempt was given up; of a provider, its verdict says it.'),
});

const direction = z.object({
  from: field(slug(), 'Provider.', 'pangyo'),
  to: field(slug(), 'Provider.', 'gwangju'),
  fromVendor: text('Vendor.', 'nhn'),
  toVendor: text('Vendor.', 'kt'),
  fromSite: text('City and country.', 'Pangyo, KR'),
  toSite: text('City and country.', 'Gwangju, KR'),
  km: field(z.int(), 'Between the sites, kilometres.', 258),
  jobs: field(z.int(), 'Jobs that went this way.', 1),
});

const step = z.object({
  seq: field(z.int(), 'Of the audit record.', 42),
  at: field(utcTime(), 'RFC 3339.', '2026-11-22T10:00:12.000Z'),
  actor: text('Id of the key; `system` for the service.', 'system'),
  role: text('Its role.', 'system'),
  action: text('What was done.', 'drill.cut'),
  data: z
    .record(z.string(), z.unknown())
    .meta({ description: 'With what.', examples: [{ endsAs: 'passed' }] }),
});

export const drillReport = z
  .object({
    report: z
      .object({
        version: field(z.literal(1), 'Of this shape.', 1),
        drill: field(id(), 'The drill.', 'drl-01jd3m8r0000000000000000aa'),
        mode: field(z.enum(DRILL_MODES), 'How real it was.', 'parallel'),
        scenario,
        note: field(z.string().nullable(), 'What was noted when it was planned.', null),
        result: field(z.enum(DRILL_ENDS), 'What it ended as.', 'passed'),
        reason: field(z.string().nullable(), 'Why, where it did not come through.', null),
        scope,
        plan: drillPlan.nullable().meta({ description: 'As it was made when it began.' }),
        participants: z
          .object({
            createdBy: person,
            confirmedBy: person.nullable().meta({ description: '`full` only.' }),
          })
          .meta({ description: 'Who held it.' }),
        times: z
          .object({
            createdAt: field(utcTime(), 'RFC 3339.', '2026-11-22T10:00:00.000Z'),
            dueAt: moment('When it should have been held.'),
            startedAt: moment('When it began.'),
            restoredAt: moment('From when on nothing was cut off any more.'),
          })
          .meta({ description: 'When.' }),
        faults: z.array(fault).meta({ description: 'What was done to make it look like the scenario.' }),
        directions: z.array(direction).meta({ description: 'From where to where work went.' }),
        jobs: z.array(job).meta({ description: 'What became of each.' }),
        targets: z
          .object({ rtoSeconds: seconds('RTO', 60), rpoSeconds: seconds('RPO', 30) })
          .meta({ description: 'Of the drill itself; jobs without them are held against their own.' }),
        achieved: z
          .object({
            rtoFromFaultSeconds: percentiles('From when its place was last heard to running again'),
            rtoFromDeclarationSeconds: percentiles('From when it was given up to running again'),
            rpoSeconds: percentiles('Work that was lost'),
          })
          .meta({ description: 'Over all jobs that went on elsewhere.' }),
        cost: money,
        steps: z.array(step).meta({ description: 'Its audit records: what was done, by whom, when.' }),
        findings: z
          .array(
            z.object({
              code: field(z.enum(FINDINGS), 'Kind.', 'near-site'),
              detail: text('For people.', 'pangyo and gasan are 11 km apart.'),
            }),
          )
          .meta({ description: 'What somebody has to act on.' }),
        notExercised: field(
          z.array(z.enum(NOT_EXERCISED)),
          'What it says nothing about: see the page for what each means.',
          ['tenant-jobs', 'detection'],
        ),
        nextDueAt: moment('When the next of the series is due.'),
      })
      .meta({ id: 'DrillReport', description: 'What is signed: its canonical JSON is hashed.' }),
    evidence: z
      .object({
        reportSha256: hex('SHA-256, hex, of the canonical JSON of `report`.'),
        auditSha256: hex("The same of the array of the drill's audit records up to its end, oldest first."),
        auditRecords: field(z.int(), 'How many those are.', 5),
        auditFromSeq: field(z.int(), 'The first.', 40),
        auditToSeq: field(z.int(), 'The last.', 52),
        kid: text('The key, of `/.well-known/jwks.json`.', 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'),
        jws: text('Compact JWS (EdDSA) of all of the above.', 'eyJhbGciOiJFZERTQSJ9.e30.c2ln'),
      })
      .meta({ description: 'How anybody can see that it is what was written.' }),
  })
  .meta({ id: 'SignedDrillReport', description: 'A report and its evidence.' });
