import type { FastifySchemaCompiler } from 'fastify';
import { safeParse, type $ZodIssue, type $ZodType } from 'zod/v4/core';
import { Problem, type ProblemDetailItem } from '../src/core/problem.ts';

const ERRORS_SHOWN = 20;
const PLACES: Readonly<Record<string, string>> = {
  body: 'The body is not as it should be.',
  querystring: 'A query parameter is not as it should be.',
  params: 'A part of the path is not as it should be.',
  headers: 'A header is not as it should be.',
};

/** Checks a part of a request against its zod schema; what is wrong becomes one problem that names every place. */
export const validatorCompiler: FastifySchemaCompiler<$ZodType> = ({ schema, httpPart = 'body' }) => {
  return (data: unknown) => {
    const result = safeParse(schema, data);
    if (result.success) return { value: result.data };
    const errors = result.error.issues.flatMap((issue) => toItems(issue, httpPart)).slice(0, ERRORS_SHOWN);
    return {
      error: new Problem('invalid-request', PLACES[httpPart] ?? 'The request is not as it should be.', {
        errors,
      }),
    };
  };
};

function toItems(issue: $ZodIssue, part: string): ProblemDetailItem[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointerTo([...issue.path, key], part),
      detail: 'There is no such field.',
    }));
  }
  return [{ pointer: pointerTo(issue.path, part), detail: issue.message }];
}

/** RFC 6901 into the body; for the other parts, what their own writing suggests. */
function pointerTo(path: readonly PropertyKey[], part: string): string {
  const names = path.map((name) => String(name).slice(0, 200).toWellFormed());
  if (part === 'querystring') return `?${names.join('.')}`;
  if (part === 'params') return `{${names.join('.')}}`;
  if (part === 'headers') return `${names.join('.')}:`;
  return names.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
