import { z } from 'zod';
import { PROBLEMS, type ProblemType } from '../../src/core/problem.ts';
import { field, money } from './fields.ts';

/** RFC 9457, as every refusal is answered. */
export const problem = z
  .object({
    type: field(
      z.string(),
      'Path of its documentation on this service; says what kind of problem it is.',
      '/problems/not-found',
    ),
    title: field(z.string(), 'The kind of problem, for people.', PROBLEMS['not-found'].title),
    status: field(z.int(), 'The HTTP status, again.', 404),
    detail: field(z.string(), 'What is the matter this time, for people.', 'There is no such job.'),
    instance: field(
      z.string(),
      'Names this one occurrence: the request id, as in the log.',
      'urn:naru:request:req-01jd3m',
    ),
    errors: z
      .array(
        z.object({
          pointer: field(
            z.string(),
            'JSON pointer into the body, `?name` for a query parameter, `{name}` for a part of the path, `name:` for a header.',
            '/resources/gpu/count',
          ),
          detail: field(z.string(), 'What is the matter there.', 'Too small: expected number to be >=0'),
        }),
      )
      .optional()
      .meta({ description: 'Each field that is the matter, where fields are.' }),
    current: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({
        description: '`precondition-failed`, of some: the thing as it is now.',
        examples: [{ version: 4 }],
      }),
    budget: z
      .object({
        id: field(z.string(), 'Its id.', 'bud-01jd3m8r'),
        name: field(z.string(), 'Its name.', 'gpt-2026'),
        available: money.meta({ description: 'What ordinary work may still hold.' }),
        missing: money.nullable().meta({
          description: 'How much more there would have to be; null: that cannot be said.',
        }),
        until: field(
          z.string().nullable(),
          'The day on which its next period begins, or it ends; null: it is over.',
          '2027-01-01',
        ),
      })
      .optional()
      .meta({ description: '`budget-exhausted`: which budget.' }),
  })
  .meta({ id: 'Problem', description: 'Why a request was refused (RFC 9457).' });

/** What a client should make of each kind; shown at /problems/{type} and in the document. */
export const PROBLEM_HELP: Readonly<Record<ProblemType, string>> = {
  'invalid-request':
    'The request cannot be understood: malformed JSON, a wrong type, an unknown field, an id or a cursor that is none. `errors` names each place. Mend the request; sending it again unchanged will not help.',
  unauthenticated: 'There was no `Authorization: Bearer <key>`, or its key is unknown, revoked or over.',
  'budget-exhausted':
    'A budget above the job has nothing left, or has ended. `budget` says which, how much is missing and until when. Somebody who answers for it has to act: raise its cap, move money to it, or make the next one.',
  forbidden: 'The key is good, and its role does not open this door.',
  'not-found': 'There is nothing of this name or id, or it is not yours to see: the two are answered alike.',
  'state-conflict':
    'What you ask for does not fit the state that the thing is in, for example to cancel a job that has ended, or to create what exists.',
  'request-in-progress':
    'Another request with the same `Idempotency-Key` is still being handled. Wait a little and send it again: it will get the first answer.',
  'precondition-failed':
    'The thing has changed since you read it (`If-Match`). Read it again, and decide anew.',
  'payload-too-large': 'The body is larger than this door takes.',
  'unsupported-media-type': 'The `Content-Type` is not one that this door takes.',
  'impossible-spec':
    'Each field is well-formed, and together they cannot be: they contradict each other or this installation. `errors` names the fields.',
  'not-yet-supported':
    'The field is part of the contract, and this version does not obey it yet. It is refused rather than ignored. `errors` names the fields.',
  'idempotency-mismatch':
    'This `Idempotency-Key` was used within the last day for another request. Take a new key for a new request.',
  'rate-limited': 'Too many requests. `Retry-After` says in how many seconds to try again.',
  'internal-error':
    'Our fault. Give the `instance` to whoever runs the service: the log has the cause under it.',
  unavailable:
    'The service cannot do it just now (its database is away, or it is stopping). Nothing is lost; `Retry-After` says in how many seconds to try again.',
};
