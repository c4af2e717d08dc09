import { z } from 'zod';
import { IMPORTED_CAPACITY } from '../../src/core/catalog/types.ts';
import { field, queryInteger } from './fields.ts';

export const imported = z
  .object({
    imported: field(z.int(), 'Offers that are new, or back again.', 120),
    updated: field(z.int(), 'Offers whose terms changed.', 4),
    unchanged: field(z.int(), 'Offers that are as they were.', 0),
    withdrawn: field(z.int(), 'Offers that the catalog no longer has.', 0),
    skipped: z
      .array(
        z.object({
          line: field(z.int(), 'Line of the file, from 1.', 17),
          reason: field(
            z.string(),
            'Why; many of a kind are summed up.',
            'no device: a machine without GPUs is not imported',
          ),
        }),
      )
      .meta({ description: 'Lines that became no offer.' }),
    skippedRows: field(z.int(), 'How many rows were skipped in all.', 88),
  })
  .meta({ id: 'CatalogImported', description: 'What an import changed.' });

export const importQuery = z.strictObject({
  format: field(z.enum(['skypilot']).default('skypilot'), 'What kind of catalog it is.', 'skypilot'),
  capacity: field(
    queryInteger(0, 1_000_000).default(IMPORTED_CAPACITY),
    'How many of each machine can be had, for offers that are new: a catalog does not say.',
    '1',
  ),
});
