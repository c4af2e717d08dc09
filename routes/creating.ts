import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { canonicalJson, sha256Hex } from '../src/core/canonical.ts';
import type { Answer, Ask, Idempotency } from '../src/flows/once.ts';
import { field } from './schemas/fields.ts';

/** The header that every creating POST takes. Loose: the other headers are nobody's business here. */
export const creatingHeaders = z.looseObject({
  'idempotency-key': field(
    z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters')
      .optional(),
    'Chosen by the caller, new for each new request. The same key and the same body within a day: the first answer again, with `Idempotency-Replayed: true`.',
    '3f1c9c1e-8a54-4c0e-9c0b-1f6f2f3f7c11',
  ),
});

/** What makes two requests the same one. */
export function fingerprintOf(request: FastifyRequest): string {
  return sha256Hex(`${request.method} ${request.url}\n${canonicalJson(request.body)}`);
}

export function idempotencyKeyOf(request: FastifyRequest): string | null {
  const key = request.headers['idempotency-key'];
  return typeof key === 'string' ? key : null;
}

/** What a creating flow is told about the request. */
export function askOf<Made, Body>(request: FastifyRequest, render: (made: Made) => Body): Ask<Made, Body> {
  const key = idempotencyKeyOf(request);
  const idempotency: Idempotency | null =
    key === null ? null : { key, fingerprint: fingerprintOf(request), secret: request.secret };
  return { requestId: request.id, idempotency, render };
}

/** 201 and what was made; says so when it was made before. */
export function sendCreated<Body>(reply: FastifyReply, answer: Answer<Body>, location: string | null): Body {
  reply.code(201);
  if (location !== null) reply.header('location', location);
  if (answer.replayed) reply.header('idempotency-replayed', 'true');
  return answer.body;
}
