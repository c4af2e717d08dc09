import { z } from 'zod';
import { CORRECTION_KINDS } from '../../src/core/ledger/words.ts';
import { reason } from './budget.ts';
import { field, id, money, utcTime } from './fields.ts';

const kind = () =>
  field(
    z.enum(CORRECTION_KINDS),
    '`credit`: less is charged, by so much. `charge`: more, where every budget above it has so much left.',
    'credit',
  );
const why = "the vendor's outage ate two hours";

export const correctionRequest = z
  .strictObject({
    allocation: field(id(), 'The run that it is about, which is over.', 'alc-01jd3m9k'),
    amount: money.meta({
      description:
        'By how much, in the accounting currency. A credit is at most what the run was charged, with earlier corrections.',
    }),
    kind: kind(),
    reason: field(reason(), 'Why, for the record.', why),
  })
  .meta({ id: 'CorrectionRequest', description: 'What is to be corrected of what a run was charged.' });

export const correction = z
  .object({
    id: field(
      z.string(),
      'Names the correction; `transfer` of its entries in the ledgers of budgets.',
      'cor-01jd3m8r',
    ),
    allocation: field(z.string(), 'The run.', 'alc-01jd3m9k'),
    job: field(z.string(), 'Its job.', 'job-01jd3m8r'),
    project: field(z.string(), 'Whose it is.', 'kogpt'),
    provider: field(z.string(), 'Where it ran.', 'pangyo'),
    amount: money.meta({ description: 'By how much.' }),
    kind: kind(),
    month: field(
      z.string(),
      'On whose bill it is: that of the day, or this month where that is closed.',
      '2026-11',
    ),
    day: field(z.string(), 'The last day of the run.', '2026-11-20'),
    reason: field(z.string(), 'Why.', why),
    createdAt: field(utcTime(), 'When it was made, RFC 3339.', '2026-11-22T10:00:00.000Z'),
    createdBy: field(z.string(), 'Id of the key of who made it.', 'key-01jd3m7a'),
  })
  .meta({ id: 'Correction', description: 'A change of what a run was charged, made by hand.' });
