import { z } from 'zod';
import { field, id } from './fields.ts';

/** Where an agent puts and gets checkpoints, as a document. */

const bytes = () => field(z.int().min(0).max(Number.MAX_SAFE_INTEGER), 'Of what was put, bytes.', 1_048_576);

export const place = (description: string) =>
  z
    .object({
      url: field(
        z.string(),
        'Relative: of the service, with the same key. Absolute: presigned, without.',
        '/v1/agent/checkpoints/chk-1/content',
      ),
      headers: field(z.record(z.string(), z.string()), 'To be sent along.', {
        'content-type': 'application/x-tar',
      }),
    })
    .meta({ description });

export const checkpointParams = z.strictObject({
  id: field(id(), 'Id of the checkpoint.', 'chk-01jd3m0000000000000000000a'),
});

export const completion = z
  .strictObject({
    sizeBytes: bytes(),
    sha256: field(
      z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 hexadecimal digits'),
      'Of what was put, hex.',
      '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    ),
  })
  .meta({ id: 'CheckpointCompletion', description: 'What was put.' });

export const begun = z
  .object({
    id: field(z.string(), 'The checkpoint.', 'chk-01jd3m0000000000000000000a'),
    put: place('Where to PUT the tar.'),
  })
  .meta({ id: 'BegunCheckpoint', description: 'A place for one checkpoint.' });

export const found = z
  .object({ get: place('Where to GET the tar.') })
  .meta({ id: 'CheckpointPlace', description: 'Where a checkpoint is.' });

export const completed = z
  .object({ id: field(z.string(), 'The checkpoint.', 'chk-01jd3m0000000000000000000a') })
  .meta({ id: 'CompletedCheckpoint', description: 'It is what the job would start from now.' });
