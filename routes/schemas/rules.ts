import { z } from 'zod';
import { OBJECTIVES, SPOT_POLICIES } from '../../src/core/job.ts';
import { DATA_GRADES } from '../../src/core/policy.ts';
import { REALMS } from '../../src/core/provider.ts';
import { country, field, money, safeLine, slug, utcTime, version } from './fields.ts';

/** Placement rules: the same words for an organization, a project and a job. */

/** Half the way around the Earth: nothing is farther. */
const FARTHEST_KM = 20_040;
const list = <Item extends z.ZodType>(item: Item, max: number) => z.array(item).max(max);

export const separation = (description: string) =>
  field(z.number().min(0).max(FARTHEST_KM).nullable().default(null), description, 100);

const allowDeny = (what: string, example: string) =>
  z
    .strictObject({
      allow: field(list(safeLine(200), 200).default([]), `${what} that may be used; empty: all.`, [example]),
      deny: field(list(safeLine(200), 200).default([]), `${what} that may not be used.`, []),
    })
    .prefault({})
    .meta({ description: `${what}: which may and which may not be used.` });

export const certificationNeed = z.strictObject({
  scheme: field(safeLine(100), 'Who certifies.', 'CSAP'),
  grades: field(list(safeLine(100), 20).default([]), 'Any of these grades; empty: any grade of the scheme.', [
    'middle',
    'high',
  ]),
});

const moneyAtMost = (description: string) => money.nullable().default(null).meta({ description });

/** What is the same at every level; objective and spot have other defaults. */
export const ruleFields = {
  providers: allowDeny('Providers', 'pangyo'),
  regions: allowDeny('Regions', 'kr-central'),
  countries: field(list(country(), 250).default([]), 'ISO 3166-1 alpha-2 codes; empty: any country.', ['KR']),
  realms: field(list(z.enum(REALMS), REALMS.length).default([]), 'Whose cloud it may be; empty: any.', [
    'government',
  ]),
  certifications: list(certificationNeed, 20)
    .default([])
    .meta({
      description: 'Certificates that the provider must hold, all of them, valid and vouched for.',
      examples: [[{ scheme: 'CSAP', grades: ['middle', 'high'] }]],
    }),
  dataGrade: field(
    z.enum(DATA_GRADES).nullable().default(null),
    'N2SF grade of the data; the policy `data-grades` says where such data may go. Null: not graded.',
    'open',
  ),
  maxPricePerHour: moneyAtMost(
    'Price of one whole offer per hour at most, in any currency that has an exchange rate; null: any.',
  ),
  maxPricePerJob: moneyAtMost(
    'Price of the whole job at most, as it is estimated from its expected or longest runtime; null: any.',
  ),
  minSeparationKm: separation(
    'How far it has to go, at least, from the site that lost it, and what stands in for it has to be from it, km; null: no matter.',
  ),
  drVerified: field(
    z.boolean().default(false),
    'Only providers whose recovery was proved by a drill.',
    false,
  ),
};

export const ruleSet = z
  .strictObject({
    objective: field(
      z.enum(OBJECTIVES).nullable().default(null),
      'What jobs look for first that do not say; null: what the organization says, `cheapest` in the end.',
      'balanced',
    ),
    spot: field(
      z.enum(SPOT_POLICIES).default('allowed'),
      'May jobs run on capacity that can be taken away? A job that says nothing never does.',
      'never',
    ),
    preemptible: field(
      z.boolean().nullable().default(null),
      'May its jobs be stopped, saved and queued again to make room for standby or active work (of anybody) that a disaster left without a place? Null: what the organization says, no in the end.',
      true,
    ),
    ...ruleFields,
  })
  .meta({
    id: 'RuleSet',
    description:
      'Where the work of an organization or a project may run. Replaces what was there; absent fields forbid nothing.',
  });

export const rules = z
  .object({
    rules: ruleSet,
    version: version(),
    updatedAt: field(
      utcTime().nullable(),
      'When they were last set, RFC 3339; null: never.',
      '2026-11-22T10:00:00.000Z',
    ),
  })
  .meta({ id: 'Rules', description: 'The rules as they stand.' });

export const organizationParams = z.object({ name: field(slug(), 'Name of the organization.', 'acme') });
export const projectParams = z.object({ name: field(slug(), 'Name of the project.', 'kogpt') });
