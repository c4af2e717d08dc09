import { z } from 'zod';
import { field, money, safeLine, utcTime } from './fields.ts';

export const jobApproval = z
  .object({
    needed: field(z.boolean(), 'Does somebody still have to approve it?', true),
    budget: field(z.string(), 'Id of the budget that asks for it.', 'bud-01jd3m8r'),
    limit: money.meta({ description: 'What a job may cost there without one.' }),
    approvedBy: field(z.string().nullable(), 'Id of the key that approved it; null: nobody yet.', null),
    approvedAt: field(
      utcTime().nullable(),
      'When that was, RFC 3339; null: not yet.',
      '2026-11-22T10:00:00.000Z',
    ),
    note: field(z.string().nullable(), 'What was said with it.', null),
  })
  .meta({ id: 'JobApproval', description: 'Whether somebody has to let it run, and who did.' });

export const approveRequest = z
  .strictObject({
    note: field(safeLine(500).nullish(), 'For the record.', 'agreed at the board of 20 November'),
  })
  .nullish()
  .meta({ description: 'What is to be said with it.', examples: [{}] });

export const rejectRequest = z
  .strictObject({ reason: field(safeLine(500), 'Why, for whoever asked.', 'not before the next quarter') })
  .meta({ id: 'RejectRequest', description: 'Why a job is not to run.' });
