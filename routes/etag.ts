import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Problem } from '../src/core/problem.ts';
import { field } from './schemas/fields.ts';

export const changingHeaders = z.looseObject({
  'if-match': field(
    z.string().max(200).optional(),
    'The `ETag` that was read: changes nothing if it is another one by now. Absent or `*`: changes it as it is.',
    '"3"',
  ),
});

export const etagOf = (row: { readonly version: number }): string => `"${row.version}"`;

/** The version that the caller has seen; null: it does not care. Throws Problem precondition-failed for what no version is. */
export function seenVersion(request: FastifyRequest): number | null {
  const sent = request.headers['if-match'];
  if (sent === undefined || sent.trim() === '*') return null;
  const version = /^\s*"(\d{1,9})"\s*$/.exec(sent)?.[1];
  if (version === undefined)
    throw new Problem('precondition-failed', 'If-Match names no version that was ever given.');
  return Number(version);
}
