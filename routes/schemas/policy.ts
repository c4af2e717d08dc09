import { z } from 'zod';
import { FORM_FACTORS } from '../../src/core/gpu.ts';
import { DATA_GRADES, POLICY_NAMES, type PolicyName } from '../../src/core/policy.ts';
import { REALMS } from '../../src/core/provider.ts';
import { country, field, normalTime, safeLine, safeText, slug, utcTime, version } from './fields.ts';
import { certificationNeed } from './rules.ts';

/** The tables that an administrator replaces: what core/policy.ts says of their rows, as a document. */

const ROWS = 500;
const MEMBERS = 100;
const note = (example: string) =>
  field(safeText(2_000).default(''), 'For people: where that is written.', example);

export const dataGradeRow = z
  .strictObject({
    grade: field(z.enum(DATA_GRADES), 'N2SF grade of the data.', 'sensitive'),
    realms: field(z.array(z.enum(REALMS)).min(1).max(REALMS.length), 'Whose cloud: any of these.', [
      'government',
    ]),
    countries: field(
      z.array(country()).max(250).default([]),
      'Where the machines have to stand, ISO 3166-1 alpha-2; empty: anywhere.',
      ['KR'],
    ),
    certification: certificationNeed
      .nullable()
      .default(null)
      .meta({ description: 'What the provider must hold, valid and vouched for; null: nothing.' }),
    validFrom: field(normalTime(), 'From when the row holds, RFC 3339.', '2026-01-01T00:00:00.000Z'),
    validUntil: field(
      normalTime().nullable().default(null),
      'Until when, RFC 3339; null: until it is replaced.',
      null,
    ),
    note: note('CSAP notice of January 2023'),
  })
  .meta({
    id: 'DataGradeRow',
    description: 'One way in which a place may carry data of a grade; any row that holds is enough.',
  });

export const capacityClass = z
  .strictObject({
    name: field(slug(), 'What jobs call it.', 'trainer-80gb'),
    members: z
      .array(
        z.strictObject({
          model: field(safeLine(64), 'Any spelling goes in, one name comes out.', 'H100'),
          formFactor: field(
            z.enum(FORM_FACTORS).nullable().default(null),
            'Only offers that state it; null: any.',
            'SXM',
          ),
          minMemoryGiB: field(
            z.number().min(0).max(10_000).default(0),
            'Memory of one GPU at least, GiB; 0: any.',
            80,
          ),
        }),
      )
      .min(1)
      .max(MEMBERS)
      .meta({ description: 'GPUs that can stand in for each other.' }),
    note: note('for training of up to 7 billion parameters'),
  })
  .meta({ id: 'CapacityClass', description: 'GPUs that can stand in for each other.' });

export const gpuSpeed = z
  .strictObject({
    model: field(safeLine(64), 'Any spelling goes in, one name comes out.', 'H100'),
    speed: field(
      z.number(),
      'In units of an A100 of 80 GB, from 0.001 to 1000: twice the speed is half the time.',
      3.17,
    ),
    note: note('989 TFLOPS dense BF16, data sheet'),
  })
  .meta({
    id: 'GpuSpeed',
    description: 'How fast a model is; one that has no row is taken to be as fast as any.',
  });

/** What each table is made of. */
export const POLICY_ROWS = {
  'data-grades': z.array(dataGradeRow).max(ROWS),
  'capacity-classes': z.array(capacityClass).max(ROWS),
  'gpu-speeds': z.array(gpuSpeed).max(ROWS),
} as const;

const shared = {
  version: version(),
  updatedAt: field(
    utcTime().nullable(),
    'When it was last put, RFC 3339; null: as it came with the program.',
    '2026-11-22T10:00:00.000Z',
  ),
};

/** What each is called in the document. */
export const POLICY_WORDS = {
  'data-grades': { id: 'DataGrades', what: 'where data of which grade may go' },
  'capacity-classes': { id: 'CapacityClasses', what: 'which GPUs stand in for each other' },
  'gpu-speeds': { id: 'GpuSpeeds', what: 'how fast GPUs are' },
} as const;

/** A table as it is answered; what its rows are is in the document. */
interface RenderedPolicy {
  readonly name: PolicyName;
  readonly rows: readonly unknown[];
  readonly version: number;
  readonly updatedAt: string | null;
}
export const policyOf = (name: PolicyName): z.ZodType<RenderedPolicy, RenderedPolicy> =>
  z
    .object({
      name: field(z.literal(name), 'Its name.', name),
      rows: POLICY_ROWS[name].meta({ description: 'The table.' }),
      ...shared,
    })
    .meta({ id: `${POLICY_WORDS[name].id}Policy`, description: `The table of ${POLICY_WORDS[name].what}.` });

export const policyList = z.object({
  items: z
    .array(
      z
        .object({
          name: field(z.enum(POLICY_NAMES), 'Its name.', 'data-grades'),
          rows: field(z.int(), 'How many rows it has.', 6),
          ...shared,
        })
        .meta({ id: 'PolicySummary', description: 'A table, without its rows.' }),
    )
    .meta({ description: 'The policies.' }),
  nextCursor: field(z.null(), 'There is never a second page.', null),
});
