import { z } from 'zod';
import { HEALTH_STATES } from '../../src/core/provider.ts';
import { VENDOR_LEVELS } from '../../src/core/provider-status.ts';
import { PLANES, SAMPLE_KINDS } from '../../src/core/scope.ts';
import { field, safeText, time, utcTime } from './fields.ts';

export const when = (description: string) =>
  field(utcTime().nullable(), description, '2026-11-22T10:00:00.000Z');

export const vendorStatus = z
  .object({
    level: field(z.enum(VENDOR_LEVELS), "The vendor's own word.", 'maintenance'),
    from: when('From when it holds, RFC 3339.'),
    until: when('Until when, RFC 3339; null: until the next word.'),
    note: field(z.string(), 'For people.', 'rack 4 is serviced'),
    at: field(utcTime(), 'When it was said, RFC 3339.', '2026-11-22T10:00:00.000Z'),
  })
  .meta({
    id: 'VendorStatus',
    description: "A vendor's own word about its provider; it stands beside our verdict.",
  });

const aRegion = () =>
  field(z.string().nullable(), 'The region that it is about; null: all of them.', 'kr-central');
const aModel = () =>
  field(
    z.string().nullable(),
    'The GPU model that it is about; `none`: offers without a GPU; null: all.',
    'H100',
  );

export const healthPart = z
  .object({
    region: aRegion(),
    gpuModel: aModel(),
    plane: field(z.enum(PLANES), '`control`: starting work; `data`: work that runs.', 'control'),
    state: field(z.enum(HEALTH_STATES), 'Our verdict.', 'down'),
    since: field(utcTime(), 'Since when, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    heldUntil: when('Not tried again before, RFC 3339.'),
    reason: field(z.string(), 'Why.', '3 jobs of 2 projects did not start, and none did'),
  })
  .meta({ id: 'HealthPart', description: 'The verdict over a part of a provider.' });

const sample = z
  .object({
    at: field(utcTime(), 'When, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    kind: field(
      z.enum(SAMPLE_KINDS),
      "`contact`, the vendor's `word`, a `launch`, the `loss` of a job that ran, a `gpu-fault`, a call by its `verb`.",
      'launch',
    ),
    good: field(z.boolean(), 'Does it speak for the provider?', false),
    allocationId: field(
      z.string().nullable(),
      'The allocation that it is about; null: none.',
      'alc-01jd3m0000000000000000000a',
    ),
    detail: field(z.string(), 'What was seen, for people.', 'failed: not today'),
  })
  .meta({ id: 'HealthSample', description: 'One thing that was seen; no tenant is named.' });

export const health = z
  .object({
    state: field(
      z.enum(HEALTH_STATES),
      'Our verdict: only `healthy` takes new work, and only of `down` what runs there is given up.',
      'healthy',
    ),
    control: field(
      z.enum(HEALTH_STATES),
      'Can new work be started there? `unknown`: nothing was yet, or it is tried again.',
      'healthy',
    ),
    data: field(z.enum(HEALTH_STATES), 'Does what runs there go on? `unknown`: never heard.', 'healthy'),
    since: field(utcTime(), 'Since when the verdict stands, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    reasons: field(z.array(z.string()), 'Why.', ['heard without a gap']),
    parts: z
      .array(healthPart)
      .meta({ description: 'Regions and GPU models of it that take no new work; the rest of it does.' }),
  })
  .meta({ description: 'How it is.' });

export const statusRequest = z
  .strictObject({
    level: field(z.enum(VENDOR_LEVELS), 'How it is.', 'maintenance'),
    from: field(time().nullish(), 'From when it holds, RFC 3339; absent: from now.', '2026-11-22T10:00:00Z'),
    until: field(
      time().nullish(),
      'Until when, RFC 3339; absent: until the next word.',
      '2026-11-22T12:00:00Z',
    ),
    note: field(safeText(2_000), 'For people.', 'rack 4 is serviced'),
  })
  .meta({ id: 'VendorStatusRequest', description: "A vendor's own word." });

export const healthRecord = z
  .object({
    seq: field(z.int(), 'Grows.', 42),
    at: field(utcTime(), 'When, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    source: field(z.enum(['verdict', 'vendor']), "Our verdict, or the vendor's own word.", 'verdict'),
    state: field(z.string(), 'Of a verdict: a health state; of a word: its level.', 'down'),
    reason: field(z.string(), 'Why.', 'nothing was heard for 5 s'),
    from: when('Of a word: from when it holds, RFC 3339.'),
    until: when('Of a word: until when, RFC 3339.'),
    lastContactAt: when('Of a verdict: when the provider had last been heard, RFC 3339.'),
    plane: field(
      z.enum(PLANES).nullable(),
      'Of a verdict: `control` (starting work) or `data` (work that runs); of a word: null.',
      'data',
    ),
    region: aRegion(),
    gpuModel: aModel(),
    samples: z.array(sample).max(20).meta({
      description: 'Of a verdict: what it was made from, newest first; empty where that was not kept.',
    }),
  })
  .meta({ id: 'HealthRecord', description: 'A change of how a provider is, or is said to be.' });
