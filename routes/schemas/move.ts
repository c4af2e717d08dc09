import { z } from 'zod';
import { END_REASONS } from '../../src/core/allocation.ts';
import { field, utcTime, vendorName } from './fields.ts';

const moment = (description: string, example: string | null = null) =>
  field(utcTime().nullable(), `${description} RFC 3339.`, example);
const seconds = (description: string, example: number | null) =>
  field(z.number().nullable(), `${description}, seconds.`, example);

const place = {
  allocationId: field(z.string(), 'The attempt.', 'alc-01jd3m9k'),
  provider: field(z.string(), 'Name of the provider.', 'pangyo'),
  region: field(vendorName(), 'Region of the offer.', 'kr-central'),
  offer: field(vendorName(), 'Name of the offer.', 'h100x8'),
};

const objective = (of: string) =>
  z
    .object({
      targetSeconds: seconds('What the job asked for; null: nothing', 60),
      achievedSeconds: seconds('What it took; null: not known, or not yet', 9.4),
      met: field(
        z.boolean().nullable(),
        'False also while it goes on and is late already; null: no target, or still open.',
        true,
      ),
    })
    .meta({ description: of });

export const move = z
  .object({
    from: z
      .object({ ...place, attempt: field(z.int(), '1, 2, …', 1) })
      .meta({ description: 'Where it ran.' }),
    to: z
      .object(place)
      .nullable()
      .meta({ description: 'Where it ran next, or was last tried; null: nowhere yet.' }),
    attempts: field(z.int(), 'Attempts that it took, the one that ran included.', 1),
    cause: field(z.enum(END_REASONS), 'Why it moved.', 'provider-down'),
    detail: field(
      z.string().nullable(),
      'The same for people, where there is more to say.',
      'pangyo is down',
    ),
    faultAt: field(
      utcTime(),
      'The clock of both objectives starts here: when the old place was last heard, or ended it, or was told to. RFC 3339.',
      '2026-11-22T10:00:00.000Z',
    ),
    suspectedAt: moment('When its provider was called degraded.', '2026-11-22T10:00:02.600Z'),
    downAt: moment('When its provider was given up.', '2026-11-22T10:00:05.100Z'),
    fencedAt: moment(
      'From when on the old place certainly ran nothing: it said so, or its lease was over.',
      '2026-11-22T10:00:06.700Z',
    ),
    decidedAt: moment('When the next place was decided.', '2026-11-22T10:00:06.800Z'),
    startedAt: moment('When it ran again.', '2026-11-22T10:00:07.400Z'),
    servingAt: moment('Of a service: when it answered again.'),
    checkpoint: z
      .object({
        id: field(z.string(), 'Names the checkpoint.', 'ckp-01jd3m9k'),
        savedAt: moment('When it was complete; null: it is not kept any more.', '2026-11-22T09:58:00.000Z'),
        ageSeconds: seconds('How old it was at the fault', 120),
      })
      .nullable()
      .meta({ description: 'What it went on from; null: from the beginning.' }),
    rto: objective('From the fault to running again; of a service, to answering again.'),
    rpo: objective('Work that was done before the fault and had to be done again. A service has none.'),
  })
  .meta({
    id: 'Move',
    description: 'A job that ran at one place and went on at another: when what happened, and what it cost.',
  });
