import { z } from 'zod';
import { isMonth } from '../../src/core/ledger/costs.ts';
import { costAmount } from './costs.ts';
import { field, utcTime } from './fields.ts';

const monthText = () =>
  z
    .string()
    .regex(/^\d{4}-\d{2}$/, 'must be a month such as 2026-11')
    .refine(isMonth, 'must be a month such as 2026-11');
const month = () => field(monthText(), 'The month, of the installation’s time zone.', '2026-11');

export const monthParams = z.strictObject({ month: month() });

const sha256 = (description: string) =>
  field(z.string(), description, '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08');
const lines = () => field(z.int(), 'How many lines it has: one for each allocation and day.', 420);

export const billMonth = z
  .object({
    month: month(),
    state: field(z.enum(['open', 'closed']), 'A closed one is final.', 'closed'),
    lines: lines(),
    total: costAmount,
    closed: z
      .object({
        at: field(utcTime(), 'When, RFC 3339.', '2026-12-02T01:00:00.000Z'),
        by: field(z.string(), 'The key that closed it.', 'key-admin'),
        vatPercent: field(z.int(), 'The VAT on its invoices, percent.', 10),
        sha256: sha256('SHA-256 over its lines; see `verify`.'),
      })
      .nullable()
      .meta({ description: 'Null: it is open.' }),
  })
  .meta({ id: 'Month', description: 'The bill of a month.' });

export const monthList = z.object({
  items: z.array(billMonth).meta({ description: 'The months, newest first.' }),
  nextCursor: field(z.null(), 'There is never a second page.', null),
});

export const monthCheck = z
  .object({
    month: month(),
    ok: field(z.boolean(), 'Is all as it should be?', true),
    lines: lines(),
    total: costAmount.meta({ description: 'What its lines come to now.' }),
    entries: costAmount.meta({ description: "What the ledger's entries of it come to." }),
    wrongLines: field(z.int(), 'Lines that are not what their entries come to.', 0),
    examples: z
      .array(
        z.object({
          day: field(z.string(), 'The day.', '2026-11-24'),
          allocation: field(z.string(), 'The allocation.', 'alc-01jd3m8r'),
          line: costAmount.meta({ description: 'What the line says.' }),
          entries: costAmount.meta({ description: 'What its entries come to.' }),
        }),
      )
      .meta({ description: 'At most ten of them.' }),
    sha256: sha256(
      'SHA-256 over the SHA-256 of each line, by day and allocation; a line is its fields with `|` between them.',
    ),
    closedAs: z
      .object({ total: costAmount, sha256: sha256('The hash that it was closed with.') })
      .nullable()
      .meta({ description: 'What it was when it was closed; null: it is open.' }),
  })
  .meta({
    id: 'MonthCheck',
    description: 'A month held against the ledger, and against what it was closed with.',
  });
